// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/patience.h"

#include <gtest/gtest.h>

namespace varve::engine {
namespace {

using namespace std::chrono_literals;

class PatienceTest : public testing::Test {
protected:
    // Whether it comes to hold at that look.
    bool waits(Patience& patience, int look) {
        std::unique_lock lock(mutex_);
        return patience.wait(
            changed_, lock, [&] { return ++looks_ >= look; }, 10ms);
    }

    std::mutex mutex_;
    std::condition_variable_any changed_;
    int looks_ = 0;
};

TEST_F(PatienceTest, LooksAtLeastOnce) {
    Patience none(0ms);
    EXPECT_TRUE(waits(none, 1));
    EXPECT_FALSE(waits(none, 100));
}

TEST_F(PatienceTest, IsUsedUpByAllWaits) {
    Patience patience(20ms);
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_FALSE(waits(patience, 1000));
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 20ms);
    const auto looks = looks_;
    EXPECT_FALSE(waits(patience, 1000));
    EXPECT_LE(looks_, looks + 2) << "one step of no length";
}

TEST_F(PatienceTest, EndsWhenItIsInterrupted) {
    std::stop_source signal;
    signal.request_stop();
    Patience patience(1h, signal.get_token());
    EXPECT_FALSE(waits(patience, 100));
    EXPECT_TRUE(patience.interrupted());
}

// As when a VM is paused in which all of this runs.
TEST_F(PatienceTest, AMachineThatStandsStillDoesNotUseItUp) {
    Patience patience(20ms);
    std::unique_lock lock(mutex_);
    const auto second_step = [&] {
        if (looks_ == 0)
            for (const auto end = std::chrono::steady_clock::now() + 50ms; std::chrono::steady_clock::now() < end;) {}
        return ++looks_ == 3;
    };
    EXPECT_TRUE(patience.wait(changed_, lock, second_step, 10ms));
}

}  // namespace
}  // namespace varve::engine
