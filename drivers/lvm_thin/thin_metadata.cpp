// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/lvm_thin/thin_metadata.h"

#include "drivers/kernel/program.h"

#include <charconv>
#include <sstream>
#include <utility>

namespace varve::lvm_thin {

using base::Errc;
using base::fail;
using base::Result;

Result<std::string> ThinMetadata::run(std::vector<std::string> arguments) {
    const std::lock_guard lock(mutex_);
    const auto copy = TRY(ReservedMetadata::reserve(mapper_, devices_, marks_));
    const auto program = arguments.front();
    kernel::Program how;
    how.arguments = std::move(arguments);
    how.arguments.push_back(kernel::DeviceMapper::node_path(devices_.metadata));
    const auto finished = TRY(kernel::run_program(how));
    if (finished.succeeded()) return finished.output;
    return fail(finished.timed_out ? Errc::TimedOut : Errc::Io,
                program + " cannot read the metadata of the thin pool " + devices_.pool.str() + ": " + finished.describe());
}

Result<base::Bytes> ThinMetadata::exclusive(kernel::ThinId id) {
    const auto all = TRY(parse_thin_ls(TRY(run({"thin_ls", "--metadata-snap", "--no-headers", "--format", "DEV,EXCLUSIVE_BYTES"}))));
    const auto found = all.find(id);
    if (found == all.end()) return fail(Errc::Corrupt, "thin_ls says nothing of the thin volume " + std::to_string(id.value));
    return found->second;
}

Result<std::map<kernel::ThinId, base::Bytes>> ThinMetadata::mapped() {
    return parse_thin_ls(TRY(run({"thin_ls", "--metadata-snap", "--no-headers", "--format", "DEV,MAPPED_BYTES"})));
}

Result<base::Extents> ThinMetadata::differing(kernel::ThinId a, kernel::ThinId b) {
    return parse_thin_delta(
        TRY(run({"thin_delta", "--metadata-snap", "--thin1", std::to_string(a.value), "--thin2", std::to_string(b.value)})));
}

Result<std::map<kernel::ThinId, base::Bytes>> parse_thin_ls(std::string_view text) {
    std::istringstream words{std::string(text)};
    std::map<kernel::ThinId, base::Bytes> found;
    kernel::ThinId id{};
    base::Bytes bytes;
    while (words >> id.value >> bytes.count) found.insert_or_assign(id, bytes);
    words.clear();
    if (std::string more; words >> more) return fail(Errc::Corrupt, "thin_ls says '" + more + "' where numbers should be");
    return found;
}

namespace {

// Of one element: `begin="12"`.
Result<std::uint64_t> attribute(std::string_view element, std::string_view name) {
    const auto key = " " + std::string(name) + "=\"";
    const auto found = element.find(key);
    std::uint64_t value = 0;
    if (found != std::string_view::npos) {
        const auto* const begin = element.data() + found + key.size();
        const auto read = std::from_chars(begin, element.data() + element.size(), value);
        if (read.ec == std::errc{} && read.ptr != begin) return value;
    }
    return fail(Errc::Corrupt, "thin_delta says '" + std::string(element) + "' without " + std::string(name));
}

constexpr bool is_difference(std::string_view element) {
    return element.starts_with("<different ") || element.starts_with("<left_only ") || element.starts_with("<right_only ");
}

}  // namespace

Result<base::Extents> parse_thin_delta(std::string_view text) {
    base::SectorCount block;
    bool compared = false;
    base::Extents found;
    for (auto begin = text.find('<'); begin != std::string_view::npos; begin = text.find('<', begin + 1)) {
        const auto element = text.substr(begin, text.find('>', begin) - begin);
        if (element.starts_with("<superblock ")) block.count = TRY(attribute(element, "data_block_size"));
        if (element.starts_with("<diff ")) compared = true;
        if (!is_difference(element)) continue;
        const auto first = TRY(attribute(element, "begin"));
        const auto count = TRY(attribute(element, "length"));
        const auto limit = block.count == 0 ? 0 : base::largest_volume.count / block.bytes().count;
        if (first > limit || count > limit - first) return fail(Errc::Corrupt, "thin_delta says '" + std::string(element) + "'");
        base::append(found, {{first * block.bytes().count}, {count * block.bytes().count}});
    }
    if (!compared) return fail(Errc::Corrupt, "thin_delta says nothing: '" + std::string(text) + "'");
    return found;
}

}  // namespace varve::lvm_thin
