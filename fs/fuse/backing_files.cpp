// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/fuse/backing_files.h"

#include <sys/ioctl.h>

#include <cerrno>

namespace varve::fuse {
namespace {

// From the kernel's include/uapi/linux/fuse.h of protocol 7.40; Debian 12's header is older.
struct BackingMap {
    std::int32_t fd;
    std::uint32_t flags;
    std::uint64_t padding;
};
constexpr unsigned long backing_open = _IOW(229, 1, BackingMap);
constexpr unsigned long backing_close = _IOW(229, 2, std::uint32_t);

}  // namespace

base::Result<BackingId> DeviceBackingFiles::open(int fd) {
    const int device = device_;
    if (device == none) return base::fail_errno(ENODEV, "there is no mount to open backing files for");
    const BackingMap map{fd, 0, 0};
    const int id = ::ioctl(device, backing_open, &map);
    if (id <= 0) return base::fail_errno(id == 0 ? EIO : errno, "the kernel refused the file for passthrough");
    return BackingId{id};
}

void DeviceBackingFiles::close(BackingId id) {
    const int device = device_;
    const auto number = static_cast<std::uint32_t>(id.value);
    if (device != none) (void)::ioctl(device, backing_close, &number);  // fails only when the mount has gone, and the id with it
}

}  // namespace varve::fuse
