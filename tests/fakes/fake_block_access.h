// SPDX-License-Identifier: LGPL-2.1-or-later
// Block devices of FakeBlockDevices by their paths; files as the test opens them.
#pragma once

#include "drivers/kernel/block_access.h"
#include "tests/fakes/fake_block_devices.h"
#include "tests/fakes/faults.h"

#include <filesystem>
#include <functional>
#include <map>
#include <utility>
#include <vector>

namespace varve::fakes {

// Faults as in FakeDeviceMapper. Paths are /dev/loop<N>, /dev/mapper/<name>, and those of `disks`.
class FakeBlockAccess final : public kernel::BlockAccess {
public:
    using OpenFile = std::function<base::Result<base::UniqueFd>(const std::filesystem::path&)>;
    FakeBlockAccess(FakeBlockDevices& devices, OpenFile open_file, Faults& faults)
        : devices_(devices), open_file_(std::move(open_file)), faults_(faults) {}

    // ---- for tests
    struct Zeroed {
        std::filesystem::path device;
        base::Bytes count;
    };
    [[nodiscard]] const std::vector<Zeroed>& zeroed() const { return zeroed_; }
    void add_disk(const std::filesystem::path& path, kernel::DeviceNumber number) { disks_.emplace(path, number); }
    void set_sector(base::Bytes sector) { sector_ = sector; }

    [[nodiscard]] base::Result<kernel::OpenDevice> open(const std::filesystem::path& path) const override;
    [[nodiscard]] base::Result<> zero_start(const std::filesystem::path& device, base::Bytes count) override;

private:
    [[nodiscard]] std::optional<kernel::DeviceNumber> find(const std::filesystem::path& path) const;

    FakeBlockDevices& devices_;
    OpenFile open_file_;
    Faults& faults_;
    std::map<std::filesystem::path, kernel::DeviceNumber> disks_;
    base::Bytes sector_{base::sector_size};
    std::vector<Zeroed> zeroed_;
};

}  // namespace varve::fakes
