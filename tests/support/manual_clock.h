// SPDX-License-Identifier: LGPL-2.1-or-later
// A clock that stands still until a test moves it.
#pragma once

#include "drivers/base/timestamp.h"

namespace varve::test_support {

// Not thread-safe: move it while nobody reads it.
class ManualClock final : public base::Clock {
public:
    explicit ManualClock(base::Timestamp start) : now_(start) {}

    [[nodiscard]] base::Timestamp now() const override { return now_; }
    void set(base::Timestamp now) { now_ = now; }
    void advance(std::int64_t seconds) { now_.seconds += seconds; }

private:
    base::Timestamp now_;
};

}  // namespace varve::test_support
