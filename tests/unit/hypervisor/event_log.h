// SPDX-License-Identifier: LGPL-2.1-or-later
// Notes events, and waits for one.
#pragma once

#include "orchestrator/hypervisor/listeners.h"
#include "tests/support/waiting.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <variant>
#include <vector>

namespace varve::hypervisor {

class EventLog {
public:
    [[nodiscard]] EventListener listener() {
        return [this](const Event& event) {
            const std::scoped_lock lock(mutex_);
            events_.push_back(event);
            changed_.notify_all();
        };
    }

    // Whether such an event comes, or has come.
    template <class Kind, class Predicate>
    [[nodiscard]] bool wait_for(Predicate predicate, std::chrono::seconds deadline = test_support::patience) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, deadline, [&] {
            return std::ranges::any_of(events_, [&](const Event& event) {
                const auto* const kind = std::get_if<Kind>(&event);
                return kind != nullptr && predicate(*kind);
            });
        });
    }

    [[nodiscard]] std::size_t size() {
        const std::scoped_lock lock(mutex_);
        return events_.size();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Event> events_;
};

}  // namespace varve::hypervisor
