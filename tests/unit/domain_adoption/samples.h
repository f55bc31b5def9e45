// SPDX-License-Identifier: LGPL-2.1-or-later
// Domains as libvirt describes them.
#pragma once

#include "orchestrator/domain_adoption/plan.h"

#include <string>
#include <string_view>

namespace varve::domain_adoption::testing {

[[nodiscard]] Wish wish();

// What virt-install makes of a Debian 12: q35, virtio, one qcow2 disk.
[[nodiscard]] std::string debian();
// An older one: i440fx, IDE, a raw disk and a CD.
[[nodiscard]] std::string old_pc();
// With these disks, and else as little as there is.
[[nodiscard]] std::string with_disks(std::string_view disks);
[[nodiscard]] std::string with_devices(std::string_view devices, std::string_view os = "<os><type arch='x86_64'>hvm</type></os>");
[[nodiscard]] std::string disk(std::string_view target, std::string_view bus, std::string_view format = "raw", std::string_view more = "");

// The plan; fails the test when there is none.
[[nodiscard]] Plan planned(std::string_view xml, const Wish& wish);
// Everything that is in its way, with "; " between.
[[nodiscard]] std::string refused(std::string_view xml, const Wish& wish);
// The paths that are left out, one on each line.
[[nodiscard]] std::string left_paths(const Plan& plan);
// Why this path is left out; "taken" when it is not.
[[nodiscard]] std::string why(const Plan& plan, std::string_view path);

}  // namespace varve::domain_adoption::testing
