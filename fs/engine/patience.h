// SPDX-License-Identifier: LGPL-2.1-or-later
// How long an operation waits for others.
#pragma once

#include <chrono>
#include <stop_token>
#include <utility>

namespace varve::engine {

struct Patience {
    std::chrono::milliseconds wait;
    std::stop_token interrupted = {};  // when asked to stop, the wait ends as Interrupted

    Patience(std::chrono::milliseconds wait, std::stop_token interrupted = {}) : wait(wait), interrupted(std::move(interrupted)) {}
};

}  // namespace varve::engine
