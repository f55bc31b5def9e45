// SPDX-License-Identifier: LGPL-2.1-or-later
// What main() decides for the engine.
#pragma once

#include "drivers/base/units.h"

#include <chrono>

namespace varve::engine {

struct Settings {
    base::Portion min_free = base::Percent{5};  // starts are refused below it
    std::chrono::seconds prune_grace = std::chrono::hours(24);
    // How long an operation waits for another one on the same volume, or for a close that is under way, before it is Busy.
    std::chrono::milliseconds wait_busy = std::chrono::seconds(2);
    // How long after the flush of a close(2) its release is waited for, by who only looks and by an open of the same process. It follows within
    // microseconds, later on a busy machine, and not before the last copy of the descriptor is closed.
    std::chrono::milliseconds wait_release = std::chrono::milliseconds(100);
    // How long a transaction waits for an open that was announced. From the ESTALE that announces it to the OPEN are two look-ups by the
    // same system call.
    std::chrono::milliseconds wait_open = std::chrono::seconds(5);
};

}  // namespace varve::engine
