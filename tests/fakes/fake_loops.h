// SPDX-License-Identifier: LGPL-2.1-or-later
// Loop devices as one process sees them.
#pragma once

#include "drivers/kernel/filesystem.h"
#include "drivers/kernel/loops.h"
#include "tests/fakes/fake_block_devices.h"
#include "tests/fakes/faults.h"

namespace varve::fakes {

// `files` tells which file a descriptor is. Direct I/O always works. Faults as in FakeDeviceMapper. Thread-safe.
class FakeLoops final : public kernel::Loops {
public:
    FakeLoops(FakeBlockDevices& devices, const kernel::FileSystem& files, Faults& faults)
        : devices_(devices), files_(files), faults_(faults) {}

    [[nodiscard]] base::Result<kernel::LoopDevice> attach(int file, const kernel::LoopOptions& options) override;
    [[nodiscard]] base::Result<kernel::HeldLoop> attach_held(int file, const kernel::LoopOptions& options) override;
    [[nodiscard]] base::Result<kernel::HeldLoop> hold(kernel::DeviceNumber device) override;
    [[nodiscard]] base::Result<std::vector<kernel::LoopDevice>> list() const override;
    [[nodiscard]] base::Result<> update_size(const kernel::LoopDevice& loop) override;
    [[nodiscard]] base::Result<> detach(const kernel::LoopDevice& loop) override;
    [[nodiscard]] base::Result<kernel::LoopBacking> backing_of(int file) const override;

private:
    // The body of a call.
    [[nodiscard]] base::Result<FakeLoopDevice*> add(int file, const kernel::LoopBacking& backing, const kernel::LoopOptions& options,
                                                    bool autoclear);

    FakeBlockDevices& devices_;
    const kernel::FileSystem& files_;
    Faults& faults_;
};

}  // namespace varve::fakes
