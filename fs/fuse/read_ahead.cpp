// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/fuse/read_ahead.h"

#include "drivers/base/unique_fd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace varve::fuse {

base::Result<> set_read_ahead(const std::filesystem::path& mountpoint, base::Bytes size) {
    struct statx found {};
    // No field is asked for, and none need be fresh: then the kernel does not ask the file system.
    if (::statx(AT_FDCWD, mountpoint.c_str(), AT_STATX_DONT_SYNC, 0, &found) != 0)
        return base::fail_errno(errno, "cannot find the device of " + mountpoint.string());
    const auto device = std::to_string(found.stx_dev_major) + ":" + std::to_string(found.stx_dev_minor);
    const auto file = "/sys/class/bdi/" + device + "/read_ahead_kb";  // Documentation/ABI/testing/sysfs-class-bdi
    const base::UniqueFd setting(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    const auto text = std::to_string(size.count / 1024);
    if (!setting.valid() || ::write(setting.get(), text.data(), text.size()) < 0) return base::fail_errno(errno, "cannot set " + file);
    return {};
}

}  // namespace varve::fuse
