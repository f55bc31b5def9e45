// SPDX-License-Identifier: LGPL-2.1-or-later
// What a test does in the middle of somebody else's calls.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace varve::fakes {

// Thread-safe.
class Afterwards {
public:
    // Once, after the next call of this name.
    void plan(const std::string& call, std::function<void()> then) {
        const std::scoped_lock lock(mutex_);
        planned_[call] = std::move(then);
    }
    // For the fake: after each call's effect, with no lock held.
    void called(const std::string& call) {
        std::function<void()> then;
        {
            const std::scoped_lock lock(mutex_);
            if (auto found = planned_.extract(call)) then = std::move(found.mapped());
        }
        if (then) then();
    }

private:
    std::mutex mutex_;
    std::map<std::string, std::function<void()>> planned_;  // by call
};

}  // namespace varve::fakes
