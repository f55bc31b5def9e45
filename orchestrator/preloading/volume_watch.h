// SPDX-License-Identifier: LGPL-2.1-or-later
// Tells when volumes may have another committed state, or have another size: what the mount's `events` say, in a thread of its own.
#pragma once

#include "drivers/base/names.h"
#include "orchestrator/vm/wakeup.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

namespace varve::preloading {

class VolumeWatch {
public:
    // Called in the watch's thread, until the destructor has returned.
    struct Listener {
        std::function<void()> mount_came;  // at its start and whenever varvefs was started again; then any volume may have changed
        std::function<void(const std::optional<base::VolumeId>& volume)> changed;  // no volume: any of them
        std::function<void(const base::VolumeId& volume)> resized;
    };

    // A mount that is not there is waited for.
    [[nodiscard]] static base::Result<std::unique_ptr<VolumeWatch>> start(std::string mountpoint, Listener listener);
    ~VolumeWatch();
    VolumeWatch(const VolumeWatch&) = delete;
    VolumeWatch& operator=(const VolumeWatch&) = delete;

private:
    VolumeWatch(std::string mountpoint, Listener listener, vm::Wakeup wakeup)
        : mountpoint_(std::move(mountpoint)), listener_(std::move(listener)), wakeup_(std::move(wakeup)) {}
    void run(const std::stop_token& stop);
    [[nodiscard]] base::Result<> follow(const std::stop_token& stop);

    const std::string mountpoint_;
    const Listener listener_;
    const vm::Wakeup wakeup_;
    std::jthread thread_;
};

}  // namespace varve::preloading
