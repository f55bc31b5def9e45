// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/fakes/fake_block_access.h"

namespace varve::fakes {

using base::Errc;
using base::fail;
using base::Result;

std::optional<kernel::DeviceNumber> FakeBlockAccess::find(const std::filesystem::path& path) const {
    if (const auto disk = disks_.find(path); disk != disks_.end()) return disk->second;
    for (const auto& [number, loop] : devices_.loops())
        if (loop.loop.path() == path) return loop.loop.device;
    for (const auto& [name, device] : devices_.mapped())
        if (std::filesystem::path("/dev/mapper") / name == path) return device.number;
    return std::nullopt;
}

Result<kernel::OpenDevice> FakeBlockAccess::open(const std::filesystem::path& path) const {
    return devices_.call(faults_, Effect::Reads, [&]() -> Result<kernel::OpenDevice> {
        if (const auto block = find(path)) return kernel::OpenDevice{base::UniqueFd(), block, sector_};
        auto fd = TRY(open_file_(path));
        return kernel::OpenDevice{std::move(fd), {}, {base::sector_size}};
    });
}

Result<> FakeBlockAccess::zero_start(const std::filesystem::path& device, base::Bytes count) {
    return devices_.call(faults_, Effect::Changes, [&]() -> Result<> {
        const auto block = find(device);
        if (!block) return fail(Errc::NotFound, "there is no " + device.string());
        if (devices_.size_of(*block).value_or(base::SectorCount{}).bytes() < count)
            return fail(Errc::NoSpace, device.string() + " is smaller than what is written");
        zeroed_.push_back({device, count});
        return {};
    });
}

}  // namespace varve::fakes
