// SPDX-License-Identifier: LGPL-2.1-or-later
// What the service manager is told (sd_notify(3)). Without one all of this does nothing.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace varve::daemon {

// Thread-safe.
class ServiceManager {
public:
    // `status` is shown to people: one line.
    void ready(const std::string& status) const;
    void stopping() const;
    void feed_watchdog() const;
    // The time within which it wants to be fed; nullopt when it does not watch this process.
    [[nodiscard]] std::optional<std::chrono::microseconds> watchdog_time() const;
};

}  // namespace varve::daemon
