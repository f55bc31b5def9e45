// SPDX-License-Identifier: LGPL-2.1-or-later
// Opening the devices that were made, as a port: tests have none to open.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/unique_fd.h"
#include "drivers/kernel/device_mapper.h"

namespace varve::file {

// Thread-safe.
class DeviceNodes {
public:
    virtual ~DeviceNodes() = default;
    DeviceNodes() = default;
    DeviceNodes(const DeviceNodes&) = delete;
    DeviceNodes& operator=(const DeviceNodes&) = delete;

    // For reading only. NotFound when the node is not there or leads to another device.
    [[nodiscard]] virtual base::Result<base::UniqueFd> open(const kernel::DmName& name, kernel::DeviceNumber device) const = 0;
};

// Those in /dev/mapper.
class MapperNodes final : public DeviceNodes {
public:
    [[nodiscard]] base::Result<base::UniqueFd> open(const kernel::DmName& name, kernel::DeviceNumber device) const override;
};

}  // namespace varve::file
