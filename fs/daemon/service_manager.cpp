// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/daemon/service_manager.h"

#include <systemd/sd-daemon.h>

#include <cstdint>

namespace varve::daemon {
namespace {

// What it could not be told it sees from its own deadlines.
void tell(const std::string& state) { (void)::sd_notify(0, state.c_str()); }

}  // namespace

void ServiceManager::ready(const std::string& status) const { tell("READY=1\nSTATUS=" + status); }
void ServiceManager::stopping() const { tell("STOPPING=1"); }
void ServiceManager::feed_watchdog() const { tell("WATCHDOG=1"); }

std::optional<std::chrono::microseconds> ServiceManager::watchdog_time() const {
    std::uint64_t time = 0;
    if (::sd_watchdog_enabled(0, &time) <= 0 || time == 0) return {};
    return std::chrono::microseconds(time);
}

}  // namespace varve::daemon
