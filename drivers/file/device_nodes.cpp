// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/file/device_nodes.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace varve::file {

base::Result<base::UniqueFd> MapperNodes::open(const kernel::DmName& name, kernel::DeviceNumber device) const {
    const auto path = kernel::DeviceMapper::node_path(name);
    base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) return base::fail_errno(errno, "cannot open " + path.string());
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) return base::fail_errno(errno, "cannot look at " + path.string());
    if (!S_ISBLK(status.st_mode) || kernel::DeviceNumber::from(status.st_rdev) != device)
        return base::fail(base::Errc::NotFound, path.string() + " is not the device " + device.str());
    return fd;
}

}  // namespace varve::file
