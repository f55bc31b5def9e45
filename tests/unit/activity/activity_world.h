// SPDX-License-Identifier: LGPL-2.1-or-later
// Operations without an engine.
#pragma once

#include "fs/engine/operations.h"
#include "tests/support/manual_clock.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace varve::activity {

inline const base::PoolName pool = base::PoolName::parse("p").value();
inline const base::VmName work = base::VmName::parse("work").value();
inline const base::VolumeName root = base::VolumeName::parse("root").value();

class ActivityTest : public testing::Test {
protected:
    // Whom the operations are told to.
    void tell(engine::OperationListener& listener) { operations_.emplace(clock_, std::vector{&listener}); }
    [[nodiscard]] auto begin(std::string_view verb) { return operations_->begin(verb, pool, work, root); }
    void do_(std::string_view verb) { begin(verb)->done(); }

    test_support::ManualClock clock_{{1'600'000'000, 0}};
    std::optional<engine::Operations> operations_;
};

}  // namespace varve::activity
