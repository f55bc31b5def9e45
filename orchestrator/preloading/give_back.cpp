// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/preloading/give_back.h"

#include <algorithm>

namespace varve::preloading {

using base::Bytes;

Bytes preferred_memory(Bytes now, Bytes used) { return std::min(now, Bytes{used.count + used.count / 4 + spare_memory.count}); }

Bytes next_memory(Bytes now, Bytes preferred) {
    if (now <= preferred) return now;
    return std::max(preferred, Bytes{now.count - std::min(now.count, largest_step.count)});
}

void Haste::hurry() {
    const std::scoped_lock lock(mutex_);
    hurried_ = true;
    changed_.notify_all();
}

bool Haste::wait(std::chrono::milliseconds longest) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, longest, [this] { return hurried_; });
}

bool Haste::hurried() const {
    const std::scoped_lock lock(mutex_);
    return hurried_;
}

void give_back(vm::Machines& machines, const base::VmName& vm, const std::function<bool(std::chrono::milliseconds)>& wait) {
    // By steps, not by a clock: each waits once.
    constexpr int most_steps = longest_give_back / between_steps;
    std::optional<Bytes> asked;
    for (int step = 0; step < most_steps; ++step) {
        const auto memory = machines.memory(vm);
        if (!memory) return;
        // A guest that stands still gives nothing: what it was asked for has to come first.
        const bool gives = asked && memory->now > *asked + near_enough;
        // The first account of a guest comes a moment after the first question.
        if (!memory->used && step > 3) return;
        if (memory->used && !gives) {
            const auto from = std::min(memory->now, asked.value_or(memory->now));
            const auto next = next_memory(from, preferred_memory(from, *memory->used));
            if (next + near_enough > from) return;
            if (!machines.set_memory(vm, next)) return;
            asked = next;
        }
        if (wait(between_steps)) return;
    }
}

}  // namespace varve::preloading
