// SPDX-License-Identifier: LGPL-2.1-or-later
// Waiting for udev, which makes the nodes in /dev/mapper when it runs.
#pragma once

#include <chrono>
#include <cstdint>

namespace varve::kernel {

enum class UdevAnswer { Done, TimedOut };

// A cookie of libdevmapper is the key of a System V semaphore that udev's rules (`dmsetup udevcomplete`) count down, with one more for
// the waiter (_udev_wait in libdm-common.c, which waits without an end). Removes the semaphore in any case. 0 is no cookie.
[[nodiscard]] UdevAnswer wait_for_udev(std::uint32_t cookie, std::chrono::milliseconds deadline);

}  // namespace varve::kernel
