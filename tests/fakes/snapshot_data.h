// SPDX-License-Identifier: LGPL-2.1-or-later
// What the kernel's snapshots do with data (dm-snap.c, dm-snap-persistent.c), for fake devices over memory files. One area of exceptions is enough for tests.
#pragma once

#include "drivers/file/device_nodes.h"
#include "drivers/kernel/filesystem.h"
#include "tests/fakes/fake_block_devices.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace varve::fakes {

class SnapshotData {
public:
    SnapshotData(FakeBlockDevices& devices, kernel::FileSystem& files) : devices_(devices), files_(files) {}

    // What is read from the device; empty when there is none.
    [[nodiscard]] std::string read(const std::string& name) const;
    // As a guest does. What is overwritten is durable in every COW file before it is overwritten, as the kernel has it; the data itself is not synced.
    void write(const std::string& name, std::uint64_t offset, std::string_view data);

private:
    FakeBlockDevices& devices_;
    kernel::FileSystem& files_;
};

// Opens devices as memory files with what they have in that moment; the device itself is not kept.
class SnapshotNodes final : public file::DeviceNodes {
public:
    SnapshotNodes(FakeBlockDevices& devices, kernel::FileSystem& files) : data_(devices, files) {}
    [[nodiscard]] base::Result<base::UniqueFd> open(const kernel::DmName& name, kernel::DeviceNumber device) const override;

private:
    SnapshotData data_;
};

}  // namespace varve::fakes
