// SPDX-License-Identifier: LGPL-2.1-or-later
// What a file system lies on.
#pragma once

#include "drivers/base/result.h"
#include "drivers/kernel/device_number.h"

#include <filesystem>
#include <functional>
#include <vector>

namespace varve::kernel {

struct StorageBelow {
    std::vector<DeviceNumber> devices;         // block devices, each once, those above before those below
    std::vector<std::filesystem::path> files;  // behind loop devices, by the name that the kernel has for them
};

// Follows the file system at `directory` down: from its block device through partitions, device-mapper and md to the disks, and from a loop
// device to the file system that its file lies on, where `enter(file)` allows. Empty for a file system without a block device. Of Btrfs over
// several devices the one it was mounted by. Source: sysfs (Documentation/ABI/testing/sysfs-block: slaves, loop/backing_file), proc_pid_mountinfo(5).
[[nodiscard]] base::Result<StorageBelow> storage_below(const std::filesystem::path& directory,
                                                       const std::function<bool(const std::filesystem::path& file)>& enter);

}  // namespace varve::kernel
