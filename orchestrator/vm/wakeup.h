// SPDX-License-Identifier: LGPL-2.1-or-later
// Lets one thread wait for another's word and for files at the same time.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/unique_fd.h"

#include <chrono>

namespace varve::vm {

using Deadline = std::chrono::steady_clock::time_point;

// An eventfd(2). Thread-safe.
class Wakeup {
public:
    [[nodiscard]] static base::Result<Wakeup> make();

    void signal() const;
    // Until a signal, until `other` (-1: none) can be read, or until the deadline: whichever comes first. Signals that came are used up.
    [[nodiscard]] base::Result<> wait(Deadline deadline, int other = -1) const;

private:
    explicit Wakeup(base::UniqueFd fd) : fd_(std::move(fd)) {}
    base::UniqueFd fd_;
};

}  // namespace varve::vm
