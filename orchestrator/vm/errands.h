// SPDX-License-Identifier: LGPL-2.1-or-later
// Work that events cause, in threads of its own.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace varve::vm {

// The destructor waits for the errands that run, and drops those that do not yet. Thread-safe.
class Errands {
public:
    explicit Errands(std::size_t threads);
    ~Errands();
    Errands(const Errands&) = delete;
    Errands& operator=(const Errands&) = delete;

    void post(std::function<void()> errand);

private:
    class Pool;
    std::unique_ptr<Pool> pool_;
};

}  // namespace varve::vm
