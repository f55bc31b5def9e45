// SPDX-License-Identifier: LGPL-2.1-or-later
// The port's real version: ioctls of /dev/loop-control and /dev/loop* (linux/loop.h, drivers/block/loop.c).
#pragma once

#include "drivers/kernel/loops.h"

#include <chrono>

namespace varve::kernel {

// Stateless.
class LoopControl final : public Loops {
public:
    // How long detach waits for one who only looks at the device, as udev does after every change, before it is Busy.
    explicit LoopControl(std::chrono::milliseconds patience = std::chrono::milliseconds(500)) : patience_(patience) {}

    [[nodiscard]] base::Result<LoopDevice> attach(int file, const LoopOptions& options) override;
    [[nodiscard]] base::Result<HeldLoop> attach_held(int file, const LoopOptions& options) override;
    [[nodiscard]] base::Result<HeldLoop> hold(DeviceNumber device) override;
    [[nodiscard]] base::Result<std::vector<LoopDevice>> list() const override;
    [[nodiscard]] base::Result<> update_size(const LoopDevice& loop) override;
    [[nodiscard]] base::Result<> detach(const LoopDevice& loop) override;
    [[nodiscard]] base::Result<LoopBacking> backing_of(int file) const override;

private:
    std::chrono::milliseconds patience_;
};

}  // namespace varve::kernel
