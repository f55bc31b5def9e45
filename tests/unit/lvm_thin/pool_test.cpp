// SPDX-License-Identifier: LGPL-2.1-or-later
// What LVM shows of a pool, Qubes' LVs, other people's, and a thin pool in trouble.
#include "tests/unit/lvm_thin/fake_pool.h"

#include <algorithm>

namespace varve::lvm_thin {
namespace {

using base::Errc;
using Names = std::set<std::string>;

class ThinPoolTest : public testing::Test {
protected:
    void SetUp() override { ASSERT_TRUE(pool_.open()); }

    template <class T>
    static testing::AssertionResult ok(const base::Result<T>& result) {
        if (result) return testing::AssertionSuccess();
        return testing::AssertionFailure() << result.error().message();
    }

    FakePool pool_;
    fakes::FakeThinDisk& disk_ = *pool_.disk;
    const base::VolumePath root_ = FakePool::path("work-x", "root");
};

TEST_F(ThinPoolTest, LvsAreCalledAsQubesCallsThem) {
    ASSERT_TRUE(ok(pool_.create(root_)));
    EXPECT_EQ(disk_.names(), Names{"vm-work-x-root"});
    ASSERT_TRUE(ok(pool_.run(root_, api::Start{})));
    EXPECT_EQ(disk_.names(), (Names{"vm-work-x-root", "vm-work-x-root-snap"}));
    ASSERT_TRUE(ok(pool_.write(root_, "one")));
    ASSERT_TRUE(ok(pool_.run(root_, api::Stop{api::Stop::Outcome::Commit, FakePool::everything()})));
    EXPECT_EQ(disk_.names(), (Names{"vm-work-x-root", "vm-work-x-root-1600000000-back"}));
    ASSERT_TRUE(ok(pool_.run(root_, api::TakeSnapshot{base::Label::parse("good").value()})));
    EXPECT_EQ(disk_.names(), (Names{"vm-work-x-root", "vm-work-x-root-1600000000-back", "vm-work-x-root-1-label"}));
    EXPECT_EQ(disk_.text_in("vm-work-x-root"), "one");
    EXPECT_EQ(disk_.text_in("vm-work-x-root-1600000000-back"), "");
}

TEST_F(ThinPoolTest, CommitsOfOneSecondDoNotCollide) {
    ASSERT_TRUE(ok(pool_.create(root_)));
    for (const auto* text : {"one", "two", "three"}) ASSERT_TRUE(ok(pool_.session(root_, text)));
    EXPECT_EQ(disk_.names(), (Names{"vm-work-x-root", "vm-work-x-root-1600000000-back", "vm-work-x-root-1600000001-back",
                                    "vm-work-x-root-1600000002-back"}));
    EXPECT_EQ(pool_.view(root_)->revisions.size(), 3U);
    EXPECT_EQ(pool_.read(root_), "three");
}

TEST_F(ThinPoolTest, AVolatileVolumeIsCalledAsQubesCallsIt) {
    const auto swap = FakePool::path("work", "volatile");
    auto config = FakePool::origin();
    config.kind = api::Volatile{};
    ASSERT_TRUE(ok(pool_.create(swap, config)));
    EXPECT_EQ(disk_.names(), Names{});
    ASSERT_TRUE(ok(pool_.run(swap, api::Start{})));
    EXPECT_EQ(disk_.names(), Names{"vm-work-volatile"});
    ASSERT_TRUE(ok(pool_.open()));
    EXPECT_EQ(disk_.names(), Names{"vm-work-volatile"});
    ASSERT_TRUE(pool_.view(swap)->session);
}

TEST_F(ThinPoolTest, WhatQubesHasLeftIsTakenOver) {
    disk_.add_foreign("vm-mail-private", "now");
    disk_.add_foreign("vm-mail-private-1500000000-back", "old");
    disk_.add_foreign("vm-mail-private-1500000100-back", "older");
    ASSERT_TRUE(ok(pool_.open()));
    const auto mail = FakePool::path("mail", "private");
    EXPECT_EQ(pool_.read(mail), "now");
    ASSERT_EQ(pool_.view(mail)->revisions.size(), 2U);
    EXPECT_EQ(pool_.read(mail, FakePool::revision("2017-07-14T02:40:00Z")), "old");
    EXPECT_EQ(disk_.names(), (Names{"vm-mail-private", "vm-mail-private-1500000000-back", "vm-mail-private-1500000100-back"}));
    ASSERT_TRUE(ok(pool_.session(mail, "later")));
    EXPECT_EQ(pool_.view(mail)->revisions.size(), 3U);
}

TEST_F(ThinPoolTest, TheNewestBackIsCurrentWhenTheVolumeIsMissing) {
    disk_.add_foreign("vm-mail-private-1500000000-back", "old");
    disk_.add_foreign("vm-mail-private-1500000100-back", "newest");
    ASSERT_TRUE(ok(pool_.open()));
    const auto mail = FakePool::path("mail", "private");
    EXPECT_EQ(pool_.read(mail), "newest");
    EXPECT_EQ(pool_.view(mail)->revisions.size(), 1U);
    EXPECT_EQ(disk_.names(), (Names{"vm-mail-private", "vm-mail-private-1500000000-back"}));
}

TEST_F(ThinPoolTest, AVolumeThatWasRemovedStaysSoAfterARestart) {
    ASSERT_TRUE(ok(pool_.create(root_)));
    ASSERT_TRUE(ok(pool_.session(root_, "one")));
    ASSERT_TRUE(ok(pool_.run(root_, api::RemoveCommitted{})));
    ASSERT_TRUE(ok(pool_.open()));
    EXPECT_FALSE(pool_.view(root_)->committed);
    EXPECT_EQ(pool_.view(root_)->revisions.size(), 1U);
}

TEST_F(ThinPoolTest, ForeignLvsAreLeftAlone) {
    disk_.add_foreign("vm-work-x-root-snap", "of Qubes");
    disk_.add_foreign("home", "of a person");
    disk_.add_foreign("vm-other-root", "elsewhere", "another-pool");
    ASSERT_TRUE(ok(pool_.open()));
    ASSERT_TRUE(ok(pool_.create(root_)));
    const auto start = pool_.run(root_, api::Start{});
    ASSERT_FALSE(start);
    EXPECT_EQ(start.error().code, Errc::Exists) << start.error().message();
    EXPECT_EQ(disk_.text_in("vm-work-x-root-snap"), "of Qubes");
    EXPECT_EQ(disk_.text_in("home"), "of a person");
    EXPECT_EQ(disk_.text_in("vm-other-root"), "elsewhere");
    const auto findings = pool_.pool->verify(root_.vm);
    ASSERT_TRUE(ok(findings));
    EXPECT_TRUE(std::ranges::any_of(*findings, [](const auto& finding) { return finding.object == "vg/vm-work-x-root-snap"; }));
    disk_.remove_foreign("vm-work-x-root-snap");
    EXPECT_TRUE(ok(pool_.run(root_, api::Start{}))) << "nobody has told the pool that the name is free";
}

TEST_F(ThinPoolTest, ANearlyFullPoolStartsNothing) {
    ASSERT_TRUE(ok(pool_.create(root_)));
    ThinPoolHealth health{.data = {100000}, .data_used = {94999}, .chunk = {65536}, .metadata_percent = 89.9};
    disk_.set_health(health);
    ASSERT_TRUE(ok(pool_.run(root_, api::Start{})));
    ASSERT_TRUE(ok(pool_.run(root_, api::Stop{api::Stop::Outcome::Discard, {}})));
    health.data_used = {95000};
    disk_.set_health(health);
    auto refused = pool_.run(root_, api::Start{});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::NoSpace);
    EXPECT_NE(refused.error().message().find("data of the thin pool vg/pool is 95% full"), std::string::npos) << refused.error().message();
    health.data_used = {};
    health.metadata_percent = 90;
    disk_.set_health(health);
    refused = pool_.run(root_, api::Start{});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message().find("metadata"), std::string::npos) << refused.error().message();
    health.metadata_percent = 1;
    health.trouble = "it has failed";
    disk_.set_health(health);
    refused = pool_.run(root_, api::Start{});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::Degraded);
    EXPECT_EQ(disk_.names(), Names{"vm-work-x-root"});
}

TEST_F(ThinPoolTest, TheWatermarkIsThePools) {
    ASSERT_TRUE(ok(pool_.create(root_)));
    disk_.set_health({.data = {1000}, .data_used = {600}, .chunk = {65536}, .metadata_percent = 1});
    ASSERT_TRUE(ok(pool_.run(root_, api::Start{})));
    ASSERT_TRUE(ok(pool_.run(root_, api::Stop{api::Stop::Outcome::Discard, {}})));
    pool_.data_watermark = {60};
    ASSERT_TRUE(ok(pool_.open()));
    const auto refused = pool_.run(root_, api::Start{});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message().find("is 60% full, and nothing starts from 60% on"), std::string::npos)
        << refused.error().message();
}

TEST_F(ThinPoolTest, AVolumeGroupThatVanishedIsNamed) {
    ASSERT_TRUE(ok(pool_.create(root_)));
    disk_.lose_volume_group();
    const auto start = pool_.pool->execute(root_, nullptr, api::Create{FakePool::origin()});
    ASSERT_FALSE(start);
    EXPECT_EQ(start.error().code, Errc::NotFound);
    EXPECT_NE(start.error().message().find("volume group"), std::string::npos);
}

TEST_F(ThinPoolTest, AStopWaitsForNobodyWhoHasTheDeviceOpen) {
    ASSERT_TRUE(ok(pool_.create(root_)));
    ASSERT_TRUE(ok(pool_.run(root_, api::Start{})));
    disk_.hold_open("vm-work-x-root-snap");
    const auto stop = pool_.run(root_, api::Stop{api::Stop::Outcome::Commit, FakePool::everything()});
    ASSERT_FALSE(stop);
    EXPECT_EQ(stop.error().code, Errc::Busy);
    disk_.let_go("vm-work-x-root-snap");
    EXPECT_TRUE(ok(pool_.run(root_, api::Stop{api::Stop::Outcome::Commit, FakePool::everything()})));
}

// Only the thin pool's metadata tells that nothing was written: without it an equal revision more is made.
TEST_F(ThinPoolTest, AVmStopsWhileAnotherProgramReadsTheMetadata) {
    const api::Stop stop{api::Stop::Outcome::Commit, FakePool::everything()};
    ASSERT_TRUE(ok(pool_.create(root_)));
    ASSERT_TRUE(ok(pool_.session(root_, "one")));
    const auto revisions = pool_.view(root_)->revisions.size();
    ASSERT_TRUE(ok(pool_.run(root_, api::Start{})));
    ASSERT_TRUE(ok(pool_.run(root_, stop)));
    EXPECT_EQ(pool_.view(root_)->revisions.size(), revisions);

    disk_.set_metadata_busy(true);
    ASSERT_TRUE(ok(pool_.run(root_, api::Start{})));
    EXPECT_TRUE(ok(pool_.run(root_, stop)));
    EXPECT_FALSE(pool_.view(root_)->session);
    EXPECT_EQ(pool_.view(root_)->revisions.size(), revisions + 1);
    EXPECT_EQ(pool_.read(root_), "one");

    auto one = FakePool::everything();
    one.keep = api::RevisionsToKeep::from(1).value();
    one.grace_seconds = 0;
    ASSERT_TRUE(ok(pool_.run(root_, api::Start{})));
    EXPECT_TRUE(ok(pool_.run(root_, api::Stop{api::Stop::Outcome::Commit, one})));
    EXPECT_EQ(pool_.view(root_)->revisions.size(), revisions + 2) << "by doubt nothing is pushed out";
    disk_.set_metadata_busy(false);
    ASSERT_TRUE(ok(pool_.run(root_, api::Start{})));
    EXPECT_TRUE(ok(pool_.run(root_, api::Stop{api::Stop::Outcome::Commit, one})));
    EXPECT_EQ(pool_.view(root_)->revisions.size(), 1U);
}

TEST_F(ThinPoolTest, WithoutItsTagsNothingIsSwept) {
    ASSERT_TRUE(ok(pool_.create(root_)));
    ASSERT_TRUE(ok(pool_.session(root_, "one")));
    const auto image = pool_.pool->create_image(root_.vm, {});
    ASSERT_TRUE(ok(image));
    const auto before = disk_.names();
    disk_.set_pool_tags({});
    FakePool again(pool_.disk);
    ASSERT_TRUE(ok(again.open()));
    for (const auto& name : before) EXPECT_TRUE(disk_.names().contains(name)) << name;
}

TEST_F(ThinPoolTest, AStateWhoseLvWasRemovedByHandIsReportedAndForgotten) {
    ASSERT_TRUE(ok(pool_.create(root_)));
    ASSERT_TRUE(ok(pool_.session(root_, "one")));
    disk_.remove_foreign("vm-work-x-root-1600000000-back");
    ASSERT_TRUE(ok(pool_.open()));
    EXPECT_TRUE(pool_.view(root_)->revisions.empty());
    EXPECT_EQ(pool_.read(root_), "one");
    EXPECT_EQ(pool_.view(root_)->degraded, "");
    EXPECT_FALSE(pool_.pool->verify(root_.vm)->empty());
    ASSERT_TRUE(ok(pool_.run(root_, api::RemoveCommitted{})));
    ASSERT_TRUE(ok(pool_.open()));
    EXPECT_FALSE(pool_.view(root_));
    EXPECT_TRUE(pool_.pool->verify(root_.vm)->empty());
}

TEST_F(ThinPoolTest, ACommittedStateWhoseLvIsGoneDegradesItsVolume) {
    ASSERT_TRUE(ok(pool_.create(root_)));
    ASSERT_TRUE(ok(pool_.session(root_, "one")));
    disk_.remove_foreign("vm-work-x-root");
    ASSERT_TRUE(ok(pool_.open()));
    const auto view = pool_.view(root_);
    EXPECT_FALSE(view->committed);
    EXPECT_TRUE(view->degraded.starts_with("the LV of its committed state (uuid u")) << view->degraded;
    EXPECT_FALSE(pool_.run(root_, api::Start{}));
    ASSERT_TRUE(ok(pool_.create(FakePool::path("other", "root"))));
    EXPECT_EQ(pool_.view(root_)->degraded, view->degraded) << "another volume's change";
    ASSERT_EQ(view->revisions.size(), 1U);
    ASSERT_TRUE(ok(pool_.run(root_, api::Revert{view->revisions.begin()->id})));
    EXPECT_EQ(pool_.view(root_)->degraded, "");
}

TEST_F(ThinPoolTest, ASessionIsAllThereIsWhenItsStateIsGone) {
    ASSERT_TRUE(ok(pool_.create(root_)));
    ASSERT_TRUE(ok(pool_.run(root_, api::Start{})));
    ASSERT_TRUE(ok(pool_.write(root_, "kept")));
    disk_.remove_foreign("vm-work-x-root");
    ASSERT_TRUE(ok(pool_.open()));
    EXPECT_TRUE(pool_.view(root_)->session);
    ASSERT_TRUE(ok(pool_.run(root_, api::Commit{FakePool::everything()})));
    EXPECT_EQ(pool_.read(root_), "kept");
    disk_.remove_foreign("vm-work-x-root");
    ASSERT_TRUE(ok(pool_.open()));
    ASSERT_TRUE(ok(pool_.run(root_, api::Stop{api::Stop::Outcome::Commit, FakePool::everything()})));
    EXPECT_EQ(pool_.read(root_), "kept");
    EXPECT_EQ(pool_.view(root_)->degraded, "");
}

TEST_F(ThinPoolTest, AnLvThatNoRecordKnowsKeepsItsNameAndContent) {
    ASSERT_TRUE(ok(pool_.create(root_)));
    ASSERT_TRUE(ok(pool_.session(root_, "one")));
    auto tags = disk_.pool_tags();
    std::erase_if(tags, [](const auto& tag) { return tag.starts_with("varve/state/") || tag.starts_with("varve/volume/"); });
    disk_.set_pool_tags(tags);  // somebody has taken them off by hand
    ASSERT_TRUE(ok(pool_.open()));
    EXPECT_FALSE(pool_.view(root_));
    ASSERT_TRUE(ok(pool_.create(root_)));  // its LV cannot get the name
    ASSERT_TRUE(ok(pool_.session(root_, "two")));
    ASSERT_TRUE(ok(pool_.open()));
    EXPECT_EQ(disk_.text_in("vm-work-x-root"), "one");
    EXPECT_EQ(pool_.read(root_), "two");
}

TEST_F(ThinPoolTest, ANewBlockThatIsNotZeroedIsRefused) {
    disk_.set_health({.data = {1}, .data_used = {}, .chunk = {65536}, .zeroes_new = false});
    const auto opened = pool_.open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::Unsupported);
}

TEST_F(ThinPoolTest, ManyRevisionsArePrunedInSteps) {
    ASSERT_TRUE(ok(pool_.create(root_)));
    for (int i = 0; i < 60; ++i) {
        pool_.clock.advance(1);
        ASSERT_TRUE(ok(pool_.session(root_, "state " + std::to_string(i))));
    }
    EXPECT_EQ(pool_.view(root_)->revisions.size(), 60U);
    ASSERT_TRUE(ok(pool_.run(root_, api::Prune{{api::RevisionsToKeep::from(0).value(), pool_.clock.now(), 0, {}}})));
    EXPECT_EQ(disk_.names(), Names{"vm-work-x-root"});
    ASSERT_TRUE(ok(pool_.open()));
    EXPECT_EQ(pool_.read(root_), "state 59");
}

TEST_F(ThinPoolTest, AWholeStateIsClonedInPieces) {
    ASSERT_TRUE(ok(pool_.create(root_)));
    ASSERT_TRUE(ok(pool_.session(root_, "content")));
    const auto source = pool_.pool->open_state(root_, *pool_.view(root_), api::CommittedState{});
    ASSERT_TRUE(ok(source));
    auto image = pool_.pool->create_image(root_.vm, {});
    ASSERT_TRUE(ok(image));
    constexpr std::uint64_t half = 1 << 19;
    ASSERT_TRUE(ok(pool_.pool->clone_range(source->get(), {}, *image, {}, {half})));
    EXPECT_EQ(image->storage().facts()->size, base::Bytes{half});
    EXPECT_EQ(pool_.pool->clone_range(source->get(), {half}, *image, {0}, {half}).error().code, Errc::Unsupported);
    ASSERT_TRUE(ok(pool_.pool->clone_range(source->get(), {half}, *image, {half}, {half})));
    EXPECT_EQ(image->storage().facts()->size, base::Bytes{2 * half});
    std::array<char, 8> text{};
    ASSERT_TRUE(ok(image->storage().read(text, {})));
    EXPECT_STREQ(text.data(), "content");
}

TEST_F(ThinPoolTest, APieceOfACloneEndsWithZeroes) {
    ASSERT_TRUE(ok(pool_.create(root_)));
    ASSERT_TRUE(ok(pool_.session(root_, "content")));
    const auto source = pool_.pool->open_state(root_, *pool_.view(root_), api::CommittedState{});
    auto image = pool_.pool->create_image(root_.vm, {});
    ASSERT_TRUE(ok(pool_.pool->clone_range(source->get(), {}, *image, {}, {3})));
    ASSERT_TRUE(ok(image->storage().set_size({512})));
    std::array<char, 8> text{'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x'};
    ASSERT_TRUE(ok(image->storage().read(text, {})));
    EXPECT_STREQ(text.data(), "con");
}

}  // namespace
}  // namespace varve::lvm_thin
