// SPDX-License-Identifier: LGPL-2.1-or-later
// Which block device: its number, which the kernel keeps while the device exists, unlike any path to it.
#pragma once

#include "drivers/base/result.h"

#include <sys/types.h>

#include <compare>
#include <string>
#include <string_view>

namespace varve::kernel {

struct DeviceNumber {
    unsigned major = 0;
    unsigned minor = 0;

    friend constexpr auto operator<=>(const DeviceNumber&, const DeviceNumber&) = default;

    [[nodiscard]] static DeviceNumber from(dev_t number);
    [[nodiscard]] dev_t to_dev_t() const;
    // "253:7", as device-mapper's tables write it and take it in place of a path.
    [[nodiscard]] std::string str() const { return std::to_string(major) + ":" + std::to_string(minor); }
    // Corrupt for anything else.
    [[nodiscard]] static base::Result<DeviceNumber> parse(std::string_view text);
};

// Of the block device that a path leads to; symbolic links are followed, as udev makes them. NotFound, or InvalidArgument for what is no block device.
[[nodiscard]] base::Result<DeviceNumber> block_device_at(const std::string& path);

}  // namespace varve::kernel
