// SPDX-License-Identifier: LGPL-2.1-or-later
// What lies in the directory of one kernel.
#pragma once

#include "drivers/api/view.h"
#include "drivers/kernel/filesystem.h"

#include <array>
#include <string>
#include <string_view>

namespace varve::linux_kernel {

struct Part {
    std::string_view volume;
    std::string_view file;
    bool plain;  // no disk
};
inline constexpr std::array<Part, 3> parts{
    {{"initramfs", "initramfs", true}, {"modules", "modules.img", false}, {"vmlinuz", "vmlinuz", true}}};

// nullptr: a kernel has no such volume.
[[nodiscard]] const Part* find_part(const base::VolumeName& volume);

// The state that a file is now. A changed file never compares equal.
[[nodiscard]] api::State state_of(const kernel::FileStatus& status, api::StateId id);
[[nodiscard]] bool same_content(const api::State& one, const api::State& other);

// The part as it is in `directory`, a kernel's, under a new id or, when it is the same content, that of `known`. One that is missing or no regular
// file is degraded and without a state; modules that cannot be a disk are degraded.
[[nodiscard]] base::Result<api::VolumeView> look_at(const kernel::FileSystem& files, int directory, const Part& part,
                                                    const api::VolumeView* known, api::StateIds& ids);

// Entries that are no parts of a kernel.
[[nodiscard]] base::Result<std::vector<std::string>> foreign_entries(const kernel::FileSystem& files, int directory);

}  // namespace varve::linux_kernel
