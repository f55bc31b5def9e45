// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes the next start of a stopped volume fast, in the background.
#pragma once

#include "drivers/base/names.h"
#include "fs/engine/vm.h"

#include <spdlog/fwd.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace varve::engine {

// One thread that asks drivers to prepare starts (reflink: a precache). It holds a volume's lock only for the last step, and
// gives up when the volume has changed meanwhile. The destructor finishes the one under way and forgets the rest.
class StartPreparer {
public:
    explicit StartPreparer(spdlog::logger& log);
    ~StartPreparer();
    StartPreparer(const StartPreparer&) = delete;
    StartPreparer& operator=(const StartPreparer&) = delete;

    void request(const VmPtr& vm, const base::VolumeName& volume);
    // For tests and for who wants a quiet pool: waits until nothing is left to do; false after `wait`.
    [[nodiscard]] bool idle(std::chrono::milliseconds wait) const;

private:
    struct Request {
        std::weak_ptr<Vm> vm;
        base::VolumeName volume;
    };
    void work();
    void prepare(const Request& request);

    spdlog::logger& log_;
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::deque<Request> queue_;
    bool busy_ = false;
    bool stopping_ = false;
    std::thread thread_;  // last: starts when all else exists
};

}  // namespace varve::engine
