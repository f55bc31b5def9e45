// SPDX-License-Identifier: LGPL-2.1-or-later
// Where the queue lives: a port, with the orchestrator's Asio loop behind it.
#pragma once

#include "orchestrator/preload/vocabulary.h"

#include <functional>
#include <optional>

namespace varve::preloading {

using preload::Instant;

// What a worker is for.
enum class Work {
    Short,  // somebody waits for it
    Long,   // starts and ends of VMs
};

// Thread-safe. Tasks of `post` and `wake_at` run one after the other and block for nothing; those of `work` may block, and run side by side.
class Loop {
public:
    using Task = std::function<void()>;

    Loop() = default;
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    virtual ~Loop() = default;

    [[nodiscard]] virtual Instant now() const = 0;
    virtual void post(Task task) = 0;
    // Takes the place of what was to be woken before. From a posted task only.
    virtual void wake_at(std::optional<Instant> time, Task task) = 0;
    virtual void work(Work kind, Task task) = 0;
    // Waits for the work that is under way, and drops what has not begun. Not from a worker.
    virtual void stop() = 0;
};

}  // namespace varve::preloading
