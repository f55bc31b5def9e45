// SPDX-License-Identifier: LGPL-2.1-or-later
// Kernels that the host hands to its VMs: a directory of versions, each with `vmlinuz`, `initramfs` and `modules.img`, as the Qubes driver of this
// name has them (docs/man/varve-linux-kernel.7.md).
#pragma once

#include "drivers/api/pool.h"
#include "drivers/kernel/filesystem.h"

#include <memory>
#include <string>

namespace spdlog {
class logger;
}

namespace varve::linux_kernel {

struct Settings {
    base::PoolName name;
    std::string dir_path;  // absolute; the directory exists
};

// A read-only pool: a version stands where other pools have a VM (VmNameRules::of_kernel), `modules` is its volume, an origin that has its device
// without a start, and `vmlinuz` and `initramfs` are plain files. Nothing is ever written, no lock file either: other programs, and other pools,
// may use the directory. Symbolic links are not followed, and directories whose names are no versions are left out; the log says so.
//
// What the directory holds is read when the pool is opened, and of one version by load_vm and load_volume. A file that has been replaced or
// rewritten since cannot be opened (NotFound), so that nobody reads half of one kernel and half of another.
//
// What is given by reference outlives the pool. InvalidArgument: dir_path is not absolute. NotFound: it does not exist.
[[nodiscard]] base::Result<std::unique_ptr<api::Pool>> open(const Settings& settings, const kernel::FileSystem& files,
                                                            api::StateIds& state_ids, spdlog::logger& log);

}  // namespace varve::linux_kernel
