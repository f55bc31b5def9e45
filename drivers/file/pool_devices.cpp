// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/file/pool_devices.h"

#include <algorithm>
#include <set>
#include <utility>

namespace varve::file {
namespace {

using Kind = DeviceRole::Kind;

template <class Wanted>
const PoolDevice* first(const std::vector<PoolDevice>& all, Wanted wanted) {
    const auto found = std::ranges::find_if(all, [&](const PoolDevice& device) { return wanted(device.role); });
    return found == all.end() ? nullptr : &*found;
}

}  // namespace

base::Result<PoolDevices> PoolDevices::look(const kernel::DeviceMapper& mapper, const DeviceNames& names) {
    PoolDevices devices;
    for (auto& info : TRY(mapper.list(names.uuid_prefix()))) {
        const auto role = names.role_of(info.uuid);
        if (!role) continue;
        auto name = kernel::DmName::parse(info.name);
        if (!name) continue;  // somebody has renamed it to what we would not: making another finds the uuid taken, and says so
        devices.all_.push_back({*std::move(name), std::move(info), *role});
    }
    return devices;
}

const PoolDevice* PoolDevices::origin_over(FileId image) const {
    return first(all_, [&](const DeviceRole& role) { return role.kind == Kind::Origin && role.image == image; });
}

const PoolDevice* PoolDevices::middle(FileId image, FileId cow) const {
    return first(all_, [&](const DeviceRole& role) { return role == DeviceRole{Kind::Middle, image, cow, {}}; });
}

const PoolDevice* PoolDevices::top_with(FileId own_cow) const {
    return first(all_, [&](const DeviceRole& role) { return role.over == own_cow; });
}

std::vector<PoolDevice> PoolDevices::middles_over(FileId image) const {
    std::vector<PoolDevice> middles;
    for (const auto& device : all_)
        if (device.role.kind == Kind::Middle && device.role.image == image) middles.push_back(device);
    return middles;
}

std::vector<FileId> PoolDevices::images() const {
    std::set<FileId> images;
    for (const auto& device : all_) images.insert(device.role.image);
    return {images.begin(), images.end()};
}

}  // namespace varve::file
