// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/device_number.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <charconv>

namespace varve::kernel {

DeviceNumber DeviceNumber::from(dev_t number) { return {::major(number), ::minor(number)}; }

dev_t DeviceNumber::to_dev_t() const { return ::makedev(this->major, this->minor); }

base::Result<DeviceNumber> DeviceNumber::parse(std::string_view text) {
    DeviceNumber number;
    const auto* const end = text.data() + text.size();
    const auto first = std::from_chars(text.data(), end, number.major);
    if (first.ec == std::errc{} && first.ptr != end && *first.ptr == ':') {
        const auto second = std::from_chars(first.ptr + 1, end, number.minor);
        if (second.ec == std::errc{} && second.ptr == end) return number;
    }
    return base::fail(base::Errc::Corrupt, "'" + std::string(text) + "' is not a device number such as 253:7");
}

base::Result<DeviceNumber> block_device_at(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return base::fail_errno(errno, "cannot look at '" + path + "'");
    if (!S_ISBLK(status.st_mode)) return base::fail(base::Errc::InvalidArgument, "'" + path + "' is not a block device");
    return DeviceNumber::from(status.st_rdev);
}

}  // namespace varve::kernel
