// SPDX-License-Identifier: LGPL-2.1-or-later
// The kernel tells of a release after it has answered close(2): who looks in between.
#include "fs/engine/volume_state.h"
#include "tests/unit/engine/world.h"

#include <future>

namespace varve::engine_test {
namespace {

using engine::VolumeState;

class LateRelease : public World {
protected:
    explicit LateRelease(std::chrono::milliseconds wait_release = std::chrono::minutes(1)) : World(waiting(wait_release)) {}

    static engine::Settings waiting(std::chrono::milliseconds wait_release) {
        auto settings = quick();
        settings.wait_release = wait_release;
        return settings;
    }
    VolumeState look() {
        writes_.let_close(*root_.vm);
        return engine::state_of(*root_.vm, root_.volume, *root_.view());
    }

    const VolumeRef root_ = origin("vm", "root");
};

class NeverReleased : public LateRelease {
protected:
    NeverReleased() : LateRelease(std::chrono::milliseconds(0)) {}
};

TEST_F(LateRelease, WhoLooksWaitsForIt) {
    const auto transaction = open(root_);
    ASSERT_TRUE(succeeded(write(*transaction, "new")));
    ASSERT_TRUE(succeeded(transaction->flush(process(1))));
    auto state = std::async(std::launch::async, [&] { return look(); });
    EXPECT_EQ(state.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
    EXPECT_TRUE(succeeded(transaction->released()));
    EXPECT_EQ(state.get(), VolumeState::Halted);
}

TEST_F(LateRelease, WhatIsNotClosedIsNotWaitedFor) {
    const auto transaction = open(root_);
    EXPECT_EQ(look(), VolumeState::Writing);
    ASSERT_TRUE(succeeded(write(*transaction, "new")));
    ASSERT_TRUE(succeeded(transaction->flush(process(1))));
    ASSERT_TRUE(succeeded(write(*transaction, "more")));
    EXPECT_EQ(look(), VolumeState::Writing);
    EXPECT_TRUE(succeeded(transaction->released()));
    EXPECT_EQ(look(), VolumeState::Halted);
}

// A copy of the descriptor lives on.
TEST_F(NeverReleased, ItIsOpenAsLongAsThat) {
    const auto transaction = open(root_);
    ASSERT_TRUE(succeeded(write(*transaction, "new")));
    ASSERT_TRUE(succeeded(transaction->flush(process(1))));
    EXPECT_EQ(look(), VolumeState::Writing);
    EXPECT_TRUE(succeeded(transaction->released()));
    EXPECT_EQ(look(), VolumeState::Halted);
}

}  // namespace
}  // namespace varve::engine_test
