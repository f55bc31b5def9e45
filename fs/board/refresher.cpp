// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/board/refresher.h"

#include <pthread.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX's, not C's

#include <algorithm>
#include <utility>

namespace varve::board {

using std::chrono::steady_clock;

namespace {

// Signals end the loop of the main thread, whenever they come.
class NoSignals {
public:
    NoSignals() {
        sigset_t all;
        sigfillset(&all);
        (void)pthread_sigmask(SIG_BLOCK, &all, &before_);  // fails only for an unknown first argument
    }
    ~NoSignals() { (void)pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    NoSignals(const NoSignals&) = delete;
    NoSignals& operator=(const NoSignals&) = delete;

private:
    sigset_t before_{};
};

}  // namespace

std::chrono::nanoseconds Pace::wait(std::chrono::nanoseconds took, bool something_ended) const {
    constexpr int share = 200;
    return std::max(something_ended ? busy : idle, took * share);
}

Refresher::Refresher(StatusBoard& board, const engine::Catalogue& catalogue, ClosedPools closed_pools, const activity::Traffic& traffic,
                     const base::Clock& clock, Pace pace)
    : board_(board), catalogue_(catalogue), closed_pools_(std::move(closed_pools)), traffic_(traffic), clock_(clock), pace_(pace) {
    // Wakes nobody at each of a thousand operations a second: only the first since the last look.
    board_.when_something_ended([this] {
        {
            const std::lock_guard lock(mutex_);
            if (std::exchange(something_ended_, true)) return;
        }
        woken_.notify_one();
    });
    const NoSignals blocked;  // the new thread inherits it
    thread_ = std::thread([this] { run(); });
}

Refresher::~Refresher() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    woken_.notify_one();
    thread_.join();
    board_.when_something_ended({});
}

void Refresher::look_at_spaces() {
    const auto begun = steady_clock::now();
    if (begun < spaces_due_) return;
    spaces_ = gather_spaces(catalogue_);
    const auto now = steady_clock::now();
    spaces_due_ = now + pace_.wait(now - begun, false);
}

void Refresher::run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        something_ended_ = false;
        lock.unlock();
        look_at_spaces();
        const auto begun = steady_clock::now();
        board_.show(gather(catalogue_, closed_pools_(), spaces_, board_.troubles()), traffic_, clock_.now());
        const auto ended = steady_clock::now();
        lock.lock();
        const auto busy = ended + pace_.wait(ended - begun, true);
        const auto idle = ended + pace_.wait(ended - begun, false);
        if (woken_.wait_until(lock, idle, [&] { return stopping_ || something_ended_; }))
            (void)woken_.wait_until(lock, busy, [&] { return stopping_; });  // what ends meanwhile is seen too
    }
}

}  // namespace varve::board
