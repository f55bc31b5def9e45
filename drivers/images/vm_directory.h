// SPDX-License-Identifier: LGPL-2.1-or-later
// Where VMs have their place: appvms/<vm> or vm-templates/<vm> below the pool's directory.
#pragma once

#include "drivers/api/view.h"
#include "drivers/images/context.h"
#include "drivers/records/record_file.h"

#include <array>
#include <functional>
#include <string>
#include <vector>

namespace varve::images {

// In order: a VM that is in both is the first one's (verify tells).
inline constexpr std::array<const char*, 2> vm_folders{"appvms", "vm-templates"};
inline constexpr const char* folder_of_new_vms = vm_folders[0];

// An open VM directory. The descriptor goes on meaning this directory when the VM is renamed.
struct VmDirectory {
    base::VmName name;
    std::string folder;
    base::UniqueFd folder_fd;
    base::UniqueFd fd;
};

// NotFound when there is no such VM; Io when the pool's directory itself is gone.
[[nodiscard]] base::Result<VmDirectory> open_vm(const Context& pool, const base::VmName& vm);
[[nodiscard]] base::Result<bool> vm_exists(const Context& pool, const base::VmName& vm);
[[nodiscard]] base::Result<std::vector<base::VmName>> list_vms(const Context& pool);
[[nodiscard]] base::Result<> create_vm(Context& pool, const base::VmName& vm, const api::Ownership& ownership);
[[nodiscard]] base::Result<> remove_vm(Context& pool, const base::VmName& vm);
// Removes VM directories that a crash left half-made or half-removed, and other temporaries outside of VM directories.
[[nodiscard]] base::Result<> sweep_places(Context& pool);

// Changes the VM's record, and writes it when that made a difference.
[[nodiscard]] base::Result<> edit_record(Context& pool, int vm_directory, const std::function<void(records::VmRecord&)>& edit);

}  // namespace varve::images
