// SPDX-License-Identifier: LGPL-2.1-or-later
// Waiting for udev, which makes the nodes in /dev/mapper when it runs.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace varve::kernel {

enum class UdevAnswer { Done, TimedOut };

// How long udev is waited for: the whole deadline at first and whenever it has answered; after each time that it has not, half as long as
// before, down to a 64th. So one that never answers costs hardly more than twice the deadline altogether, and one that is only late, as on
// a machine that stood still, is soon waited for again. Thread-safe.
class UdevWait {
public:
    explicit UdevWait(std::chrono::milliseconds deadline) : deadline_(deadline) {}

    // A cookie of libdevmapper is the key of a System V semaphore that udev's rules (`dmsetup udevcomplete`) count down, with one more for
    // the waiter (_udev_wait in libdm-common.c, which waits without an end). Removes the semaphore in any case. 0 is no cookie, and tells
    // nothing of udev.
    UdevAnswer wait(std::uint32_t cookie);
    // For the next wait.
    [[nodiscard]] std::chrono::milliseconds patience() const { return deadline_ / (1U << halvings_); }

private:
    std::chrono::milliseconds deadline_;
    std::atomic<unsigned> halvings_ = 0;
};

}  // namespace varve::kernel
