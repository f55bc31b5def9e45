// SPDX-License-Identifier: LGPL-2.1-or-later
// A thread that does one thing from time to time.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace varve::daemon {

// The first time after one interval. The destructor waits for the run under way, and there is no other after it.
class Periodically {
public:
    Periodically(std::chrono::milliseconds interval, std::function<void()> work);
    ~Periodically() = default;  // the thread is told to stop, and joined
    Periodically(const Periodically&) = delete;
    Periodically& operator=(const Periodically&) = delete;

private:
    std::mutex mutex_;
    std::condition_variable_any never_;
    std::jthread thread_;  // last: starts when all else exists, and ends first
};

}  // namespace varve::daemon
