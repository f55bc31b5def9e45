// SPDX-License-Identifier: LGPL-2.1-or-later
// A clock that moves by a millisecond whenever somebody looks, so that no two events have the same time and every run the same ones.
#pragma once

#include "drivers/base/timestamp.h"

#include <mutex>

namespace varve::fakes {

// Thread-safe.
class SteppingClock final : public base::Clock {
public:
    explicit SteppingClock(base::Timestamp start) : now_(start) {}

    [[nodiscard]] base::Timestamp now() const override {
        constexpr std::uint32_t step = 1'000'000;
        constexpr std::uint32_t second = 1'000'000'000;
        const std::lock_guard lock(mutex_);
        now_.nanoseconds += step;
        if (now_.nanoseconds >= second) {
            now_.nanoseconds -= second;
            ++now_.seconds;
        }
        return now_;
    }
    void advance(std::int64_t seconds) {
        const std::lock_guard lock(mutex_);
        now_.seconds += seconds;
    }

private:
    mutable std::mutex mutex_;
    mutable base::Timestamp now_;  // under mutex_
};

}  // namespace varve::fakes
