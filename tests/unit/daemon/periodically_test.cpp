// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/daemon/periodically.h"
#include "tests/support/waiting.h"

#include <gtest/gtest.h>

#include <future>

namespace varve::daemon {
namespace {

TEST(Periodically, AgainAndAgainUntilItsEnd) {
    std::promise<void> thrice;
    int runs = 0;
    {
        const Periodically work(std::chrono::milliseconds(1), [&] {
            if (++runs == 3) thrice.set_value();
        });
        ASSERT_EQ(thrice.get_future().wait_for(test_support::patience), std::future_status::ready);
    }
    EXPECT_GE(runs, 3);
}

TEST(Periodically, ItsEndDoesNotWaitForTheInterval) {
    bool ran = false;
    {
        const Periodically work(std::chrono::hours(24), [&] { ran = true; });
    }
    EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace varve::daemon
