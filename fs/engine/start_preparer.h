// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes the next start of a stopped volume fast, in the background.
#pragma once

#include "drivers/base/names.h"
#include "fs/engine/vm.h"

#include <spdlog/fwd.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
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

    // The volume was stopped: it will be started again.
    void stopped(const VmPtr& vm, const base::VolumeName& volume);
    // It got another committed state otherwise, which spoils what was prepared. Only for volumes that were stopped before: most that are
    // written through the mount are never started.
    void replaced(const VmPtr& vm, const base::VolumeName& volume);
    // For tests and for who wants a quiet pool: waits until nothing is left to do; false after `wait`.
    [[nodiscard]] bool idle(std::chrono::milliseconds wait) const;

private:
    struct Request {
        std::weak_ptr<Vm> vm;
        base::VolumeName volume;
    };
    struct Earlier {
        bool operator()(const Request& a, const Request& b) const {
            const std::owner_less<std::weak_ptr<Vm>> by_vm;
            return by_vm(a.vm, b.vm) || (!by_vm(b.vm, a.vm) && a.volume < b.volume);
        }
    };
    void enqueue(const Request& request);
    void work();
    void prepare(const Request& request);

    spdlog::logger& log_;
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::deque<Request> queue_;
    std::set<Request, Earlier> queued_;   // what is in the queue
    std::set<Request, Earlier> stopped_;  // ever, with what VMs were since removed
    bool busy_ = false;
    bool stopping_ = false;
    std::thread thread_;  // last: starts when all else exists
};

}  // namespace varve::engine
