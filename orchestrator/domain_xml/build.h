// SPDX-License-Identifier: LGPL-2.1-or-later
// The XML that libvirt creates a VM's domain from: a template, with what the VM's definition says set into it.
#pragma once

#include "drivers/base/result.h"
#include "orchestrator/definitions/vm_definition.h"
#include "orchestrator/domain_xml/disk.h"
#include "orchestrator/domain_xml/domain_type.h"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varve::domain_xml {

inline constexpr std::size_t largest_template = std::size_t{1} << 20;  // bytes

struct Inputs {
    const definitions::VmDefinition& vm;
    DomainType type = DomainType::Qemu;
    const std::vector<WantedDisk>& disks;  // in this order
    // Instead of the built-in template: the text of the VM's own, a <domain>. Its name, UUID, memory, processors and boot are the
    // definition's whatever it says; the definition's disks, interfaces and devices are put beside its own, whose disks must be raw.
    std::optional<std::string_view> own_template = {};
    std::optional<std::filesystem::path> console_log = {};  // where the hypervisor notes what the first serial console says
};

// InvalidArgument for a template that cannot be used and texts that XML cannot hold, TooLarge for a template of more than
// largest_template bytes; otherwise what allot_targets refuses. A VM without a UUID of its own gets none.
[[nodiscard]] base::Result<std::string> build(const Inputs& inputs);

// The template that is used when a VM has none of its own.
[[nodiscard]] std::string_view built_in_template(DomainType type);

}  // namespace varve::domain_xml
