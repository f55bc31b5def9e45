// SPDX-License-Identifier: LGPL-2.1-or-later
// What an existing libvirt domain becomes as a VM: its definition, which of its disks are copied, and what of its XML is in neither. Pure.
#pragma once

#include "orchestrator/definitions/vm_definition.h"
#include "orchestrator/image_formats/format.h"

#include <tl/expected.hpp>

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace varve::domain_adoption {

inline constexpr std::size_t largest_description = std::size_t{1} << 20;  // bytes
inline constexpr std::size_t most_disks = 64;
// What is left out beyond that is counted only: no domain that somebody made has so much.
inline constexpr std::size_t most_left_out = 1000;

struct Wish {
    base::PoolName pool;                                        // where the disks' copies go
    std::optional<base::VmName> name = {};                      // absent: the domain's
    std::optional<definitions::HypervisorUri> hypervisor = {};  // absent: the orchestrator's default
    bool takes_over = false;                                    // the domain goes: the VM has its UUID and MAC addresses
    bool keeps_mac = false;                                     // the MAC addresses in any case
    std::map<std::string, image_formats::Format> formats = {};  // by target, of disks whose XML states none
    std::set<std::string> skip = {};                            // disks to leave out, by target
};

// An image that becomes a volume.
struct DiskCopy {
    std::string target;  // what the domain calls it
    std::filesystem::path source;
    image_formats::Format format = image_formats::Format::Raw;  // as stated, never found out from the content
    base::VolumeName volume;
};

// A part of the XML that the VM will not have, or has otherwise.
struct LeftOut {
    std::string path;  // "/domain/devices/disk[2]/driver/@cache"
    std::string why;
};

struct Plan {
    std::string domain;  // its name; hostile
    definitions::VmDefinition vm;
    std::vector<DiskCopy> disks;
    std::vector<LeftOut> left_out;  // in the order of the XML
};

// Of the XML of a domain as its next start would have it; hostile. Everything that stands in the way at once, at least one sentence.
[[nodiscard]] tl::expected<Plan, std::vector<std::string>> make_plan(std::string_view xml, const Wish& wish);

}  // namespace varve::domain_adoption
