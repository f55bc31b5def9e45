// SPDX-License-Identifier: LGPL-2.1-or-later
// Names in a VM's directory, and targets of its symbolic links: what is understood is written back as it was read.
#include "drivers/api/overloaded.h"
#include "fs/paths/entry_name.h"
#include "fs/paths/link_target.h"
#include "tests/fuzz/require.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace varve::fuzz {
namespace {

// As the kernel gives names: one component without zeros.
void entry(std::string_view text) {
    if (text.empty() || text.size() > 255 || text.find('/') != text.npos || text.find('\0') != text.npos) return;
    const auto parsed = paths::parse_entry(text);
    if (!parsed) return;
    std::visit(api::Overloaded{
                   [&](const paths::VolumeEntry& volume) { require(paths::volume_file(volume.volume) == text, "a volume keeps its name"); },
                   [&](const paths::RevisionEntry& revision) {
                       require(paths::revision_file(revision.volume, revision.revision) == text, "a revision keeps its name");
                   },
                   [&](const paths::CurrentEntry& current) {
                       require(paths::volume_file(current.volume) + "@current" == text, "@current follows a volume's name");
                   },
                   [&](const paths::ScratchEntry& scratch) { require(scratch.name == text, "a scratch file keeps its name"); },
                   [&](const paths::ControlEntry&) { require(text == ".varve", "only .varve is the control tree"); },
               },
               *parsed);
}

void link(std::string_view text) {
    const auto vm = base::VmName::parse("work");
    require(vm.has_value(), "the VM's name is legal");
    const auto source = paths::parse_link_target(text, *vm);
    if (!source) return;
    const auto again = paths::parse_link_target(paths::link_target(*source), *vm);
    require(again && *again == *source, "a source is read back from its link");
}

}  // namespace
}  // namespace varve::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    varve::fuzz::entry(text);
    varve::fuzz::link(text);
    return 0;
}
