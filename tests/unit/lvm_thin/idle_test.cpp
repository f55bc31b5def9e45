// SPDX-License-Identifier: LGPL-2.1-or-later
// LVs are active while somebody uses them: what that changes for those who look.
#include "tests/unit/lvm_thin/fake_pool.h"

#include <algorithm>

namespace varve::lvm_thin {
namespace {

using Active = std::set<std::string>;

class IdleLvTest : public testing::Test {
protected:
    void SetUp() override { ASSERT_TRUE(succeeded(pool_.open())); }

    template <class T>
    static testing::AssertionResult succeeded(const base::Result<T>& result) {
        if (result) return testing::AssertionSuccess();
        return testing::AssertionFailure() << result.error().message();
    }
    base::Bytes allocated() { return pool_.view(root_)->committed->allocated; }

    FakePool pool_;
    fakes::FakeThinDisk& disk_ = *pool_.disk;
    const base::VolumePath root_ = FakePool::path("work", "root");
    const base::Label good_ = base::Label::parse("good").value();
};

TEST_F(IdleLvTest, OnlyASessionIsActive) {
    ASSERT_TRUE(succeeded(pool_.create(root_)));
    EXPECT_EQ(disk_.active(), Active{});
    ASSERT_TRUE(succeeded(pool_.run(root_, api::TakeSnapshot{good_})));
    EXPECT_EQ(disk_.active(), Active{});
    ASSERT_TRUE(succeeded(pool_.run(root_, api::Start{})));
    EXPECT_EQ(disk_.active(), Active{"vm-work-root-snap"});
    ASSERT_TRUE(succeeded(pool_.write(root_, "one")));
    ASSERT_TRUE(succeeded(pool_.run(root_, api::Stop{api::Stop::Outcome::Commit, FakePool::everything()})));
    EXPECT_EQ(disk_.active(), Active{});
    ASSERT_TRUE(succeeded(pool_.run(root_, api::Revert{good_})));
    EXPECT_EQ(disk_.active(), Active{});
}

TEST_F(IdleLvTest, AReaderMakesAnLvActive) {
    ASSERT_TRUE(succeeded(pool_.create(root_)));
    ASSERT_TRUE(succeeded(pool_.session(root_, "one")));
    EXPECT_EQ(pool_.read(root_), "one");
    EXPECT_EQ(disk_.active(), Active{"vm-work-root"});
    ASSERT_TRUE(succeeded(pool_.session(root_, "two")));
    EXPECT_EQ(disk_.active(), Active{});
    EXPECT_EQ(pool_.read(root_), "two");
    const auto revisions = pool_.view(root_)->revisions;
    ASSERT_EQ(revisions.size(), 2U);
    EXPECT_EQ(pool_.read(root_, std::next(revisions.begin())->id), "one");
}

TEST_F(IdleLvTest, WhatIsBeingReadStaysActiveUnderItsNewName) {
    ASSERT_TRUE(succeeded(pool_.create(root_)));
    ASSERT_TRUE(succeeded(pool_.session(root_, "one")));
    const auto reader = pool_.pool->open_state(root_, *pool_.view(root_), api::CommittedState{});
    ASSERT_TRUE(succeeded(reader));
    ASSERT_TRUE(succeeded(pool_.session(root_, "two")));
    std::array<char, 4> text{};
    EXPECT_EQ(::pread(reader->get(), text.data(), 3, 0), 3);
    EXPECT_STREQ(text.data(), "one");
    EXPECT_EQ(disk_.active(), Active{"vm-work-root-1600000001-back"});
}

TEST_F(IdleLvTest, ASessionWithoutALayerKeepsItsDevice) {
    auto config = FakePool::origin();
    config.revisions_to_keep = api::RevisionsToKeep::from(-1).value();
    ASSERT_TRUE(succeeded(pool_.create(root_, config)));
    ASSERT_TRUE(succeeded(pool_.run(root_, api::Start{})));
    EXPECT_EQ(disk_.active(), Active{"vm-work-root-snap"});
    ASSERT_TRUE(succeeded(pool_.write(root_, "one")));
    ASSERT_TRUE(succeeded(pool_.run(root_, api::Stop{api::Stop::Outcome::Commit, FakePool::everything()})));
    EXPECT_EQ(disk_.active(), Active{});
    EXPECT_EQ(pool_.read(root_), "one");
}

TEST_F(IdleLvTest, TellsAsMuchAsWhenItWasActive) {
    ASSERT_TRUE(succeeded(pool_.create(root_)));
    EXPECT_EQ(allocated(), base::Bytes{});
    ASSERT_TRUE(succeeded(pool_.session(root_, "one")));
    const auto used = allocated();
    EXPECT_GT(used, base::Bytes{});
    EXPECT_LT(used, pool_.view(root_)->committed->size);
    ASSERT_TRUE(succeeded(pool_.run(root_, api::TakeSnapshot{good_})));
    EXPECT_EQ(pool_.view(root_)->revisions.find(good_)->state.allocated, used);
    ASSERT_TRUE(succeeded(pool_.open()));  // a new daemon, which asks for all at once
    EXPECT_EQ(allocated(), used);
    EXPECT_EQ(pool_.view(root_)->revisions.find(good_)->state.allocated, used);
    EXPECT_EQ(disk_.active(), Active{});
}

TEST_F(IdleLvTest, WhatIsActiveSinceBootBecomesIdleAtTheFirstStop) {
    ASSERT_TRUE(succeeded(pool_.create(root_)));
    ASSERT_TRUE(succeeded(pool_.session(root_, "one")));
    disk_.reboot();
    disk_.activate_all();
    ASSERT_TRUE(succeeded(pool_.open()));
    ASSERT_TRUE(succeeded(pool_.session(root_, "two")));
    EXPECT_EQ(disk_.active(), Active{"vm-work-root-1600000000-back"});  // the older one, which nobody had to rename
    EXPECT_EQ(pool_.read(root_), "two");
}

TEST_F(IdleLvTest, GrowsAndGoesAsAnActiveOne) {
    ASSERT_TRUE(succeeded(pool_.create(root_)));
    ASSERT_TRUE(succeeded(pool_.session(root_, "one")));
    ASSERT_TRUE(succeeded(pool_.run(root_, api::Resize{{2 << 20}})));
    EXPECT_EQ(pool_.read(root_), "one");
    EXPECT_TRUE(succeeded(pool_.pool->exclusive(root_, *pool_.view(root_), api::CommittedState{})));
    ASSERT_TRUE(succeeded(pool_.run(root_, api::Prune{{api::RevisionsToKeep::from(0).value(), pool_.clock.now(), 0, {}}})));
    EXPECT_EQ(disk_.names(), Active{"vm-work-root"});
}

}  // namespace
}  // namespace varve::lvm_thin
