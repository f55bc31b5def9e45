// SPDX-License-Identifier: LGPL-2.1-or-later
// The path grammar: whatever parses is written back as it was read, and is safe as one component of a path.
#include "drivers/base/revision_name.h"
#include "drivers/base/units.h"
#include "tests/fuzz/require.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace varve::fuzz {
namespace {

bool safe_component(std::string_view text) {
    return !text.empty() && text.size() <= 255 && text.front() != '.' && text.front() != '-' &&
           std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f' && c != '/' && c != '@' && c != '~'; });
}

template <class Name>
void name_round_trip(std::string_view text) {
    const auto name = Name::parse(text);
    if (!name) return;
    require(name->str() == text, "a name is kept as given");
    require(safe_component(name->str()), "a name is a harmless file name");
}

void revision_round_trip(std::string_view text) {
    const auto revision = base::RevisionId::parse(text);
    if (!revision) return;
    require(revision->str() == text, "a revision is written as it was read");
    require(safe_component(revision->str()), "a revision is a harmless file name");
    require((revision->timed() != nullptr) != (revision->label() != nullptr), "a revision is a time or a label, never both");
}

void time_round_trip(std::string_view text) {
    const auto seconds = base::parse_iso_utc(text);
    if (seconds) require(base::iso_utc(*seconds) == text, "a time is written as it was read");
}

void bytes(std::string_view text) {
    const auto size = base::parse_bytes(text);
    if (!size) return;
    require(!base::human(*size).empty(), "every size can be shown");
    const auto again = base::parse_bytes(std::to_string(size->count));
    require(again && *again == *size, "a size is read back from its number");
}

}  // namespace
}  // namespace varve::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    varve::fuzz::name_round_trip<varve::base::PoolName>(text);
    varve::fuzz::name_round_trip<varve::base::VmName>(text);
    varve::fuzz::name_round_trip<varve::base::VolumeName>(text);
    varve::fuzz::name_round_trip<varve::base::Label>(text);
    varve::fuzz::name_round_trip<varve::base::KernelVersion>(text);
    varve::fuzz::revision_round_trip(text);
    varve::fuzz::time_round_trip(text);
    varve::fuzz::bytes(text);
    return 0;
}
