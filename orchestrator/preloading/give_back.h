// SPDX-License-Identifier: LGPL-2.1-or-later
// A guest that is ready gives back what it does not need, before it is paused.
#pragma once

#include "orchestrator/vm/machines.h"

#include <condition_variable>
#include <functional>
#include <mutex>

namespace varve::preloading {

inline constexpr std::chrono::seconds longest_give_back{10};
inline constexpr std::chrono::milliseconds between_steps{500};
inline constexpr base::Bytes largest_step{std::uint64_t{256} << 20};
// Guests give whole pages, and what they use changes all the time.
inline constexpr base::Bytes near_enough{std::uint64_t{1} << 20};
// Beyond what it uses, a guest keeps so much, and a quarter of what it uses.
inline constexpr base::Bytes spare_memory{std::uint64_t{64} << 20};

// What the guest prefers to have: not more than it has, and not less than what it uses with something to spare. Pure.
[[nodiscard]] base::Bytes preferred_memory(base::Bytes now, base::Bytes used);
// The next step on the way there. Pure.
[[nodiscard]] base::Bytes next_memory(base::Bytes now, base::Bytes preferred);

// Lets a waiting thread go on before its time. Thread-safe.
class Haste {
public:
    void hurry();
    // True: somebody is in a hurry.
    [[nodiscard]] bool wait(std::chrono::milliseconds longest);
    [[nodiscard]] bool hurried() const;

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    bool hurried_ = false;
};

// In steps, each once the guest has given what it was asked for before, until it has its preferred size, at most longest_give_back, and no longer than nobody is in a hurry. A guest that says
// nothing about its memory keeps it. Errors are nobody's concern: memory that is not given back is memory that is kept. `wait` is Haste's.
void give_back(vm::Machines& machines, const base::VmName& vm, const std::function<bool(std::chrono::milliseconds)>& wait);

}  // namespace varve::preloading
