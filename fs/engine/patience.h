// SPDX-License-Identifier: LGPL-2.1-or-later
// How long an operation waits for others.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <utility>

namespace varve::engine {

// Used up by waiting, in steps of which each counts as no more than it was meant to be: while the machine stands still (a paused VM, a
// frozen host) who is waited for gets nothing done, and that is not what the wait is for. Belongs to one thread.
class Patience {
public:
    // With `interrupted`: when it is asked to stop, the wait ends.
    Patience(std::chrono::milliseconds wait, std::stop_token interrupted = {}) : left_(wait), interrupted_(std::move(interrupted)) {}

    // Whether `holds` comes to hold before the patience is used up or interrupted; looks at least once. The lock is held while it looks.
    template <class Condition>
    bool wait(std::condition_variable_any& changed, std::unique_lock<std::mutex>& lock, Condition holds,
              std::chrono::milliseconds longest_step = std::chrono::milliseconds(50)) {
        while (true) {
            const auto step = std::min(left_, longest_step);
            if (changed.wait_for(lock, interrupted_, step, holds)) return true;
            left_ -= step;
            if (interrupted() || left_ <= std::chrono::milliseconds(0)) return false;
        }
    }
    [[nodiscard]] bool interrupted() const { return interrupted_.stop_requested(); }

private:
    std::chrono::milliseconds left_;
    std::stop_token interrupted_;
};

}  // namespace varve::engine
