// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/daemon/periodically.h"

#include <stop_token>
#include <utility>

namespace varve::daemon {

Periodically::Periodically(std::chrono::milliseconds interval, std::function<void()> work)
    : thread_([this, interval, work = std::move(work)](const std::stop_token& stop) {
          std::unique_lock lock(mutex_);
          while (!stop.stop_requested()) {
              (void)never_.wait_for(lock, stop, interval, [] { return false; });  // false: the time is over, or an end is wanted
              if (!stop.stop_requested()) work();
          }
      }) {}

}  // namespace varve::daemon
