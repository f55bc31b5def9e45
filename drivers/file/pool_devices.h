// SPDX-License-Identifier: LGPL-2.1-or-later
// The device-mapper devices of a pool that are there, as they were at one look.
#pragma once

#include "drivers/file/device_names.h"
#include "drivers/kernel/device_mapper.h"

#include <cstddef>
#include <vector>

namespace varve::file {

struct PoolDevice {
    kernel::DmName name;
    kernel::DmInfo info;
    DeviceRole role;
};

class PoolDevices {
public:
    [[nodiscard]] static base::Result<PoolDevices> look(const kernel::DeviceMapper& mapper, const DeviceNames& names);

    [[nodiscard]] const std::vector<PoolDevice>& all() const { return all_; }
    // Each nullptr when there is none.
    [[nodiscard]] const PoolDevice* origin_over(FileId image) const;
    [[nodiscard]] const PoolDevice* middle(FileId image, FileId cow) const;
    [[nodiscard]] const PoolDevice* top_with(FileId own_cow) const;
    [[nodiscard]] std::vector<PoolDevice> middles_over(FileId image) const;
    [[nodiscard]] std::vector<FileId> images() const;  // each once

private:
    std::vector<PoolDevice> all_;
};

}  // namespace varve::file
