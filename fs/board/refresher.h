// SPDX-License-Identifier: LGPL-2.1-or-later
// Looks at pools and volumes for the status board, as often as that is cheap.
#pragma once

#include "fs/board/status_board.h"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace varve::board {

// When the next look is due, after one that took so long: a look takes at most 1/200 of the time, so that it costs half a percent of one
// processor however many volumes there are.
struct Pace {
    std::chrono::nanoseconds idle{std::chrono::seconds(1)};         // when nothing is done
    std::chrono::nanoseconds busy{std::chrono::milliseconds(100)};  // when operations have ended

    [[nodiscard]] std::chrono::nanoseconds wait(std::chrono::nanoseconds took, bool something_ended) const;
};

// A thread of its own, from the constructor to the destructor. What it is given outlives it.
class Refresher {
public:
    using ClosedPools = std::function<std::vector<base::PoolName>()>;

    Refresher(StatusBoard& board, const engine::Catalogue& catalogue, ClosedPools closed_pools, const activity::Traffic& traffic,
              const base::Clock& clock, Pace pace = {});
    ~Refresher();
    Refresher(const Refresher&) = delete;
    Refresher& operator=(const Refresher&) = delete;

private:
    void run();
    void look_at_spaces();

    StatusBoard& board_;
    const engine::Catalogue& catalogue_;
    ClosedPools closed_pools_;
    const activity::Traffic& traffic_;
    const base::Clock& clock_;
    const Pace pace_;

    Spaces spaces_;  // of the thread
    std::chrono::steady_clock::time_point spaces_due_{};

    std::mutex mutex_;
    std::condition_variable woken_;
    bool something_ended_ = false;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace varve::board
