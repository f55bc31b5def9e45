// SPDX-License-Identifier: LGPL-2.1-or-later
// What a restart of the daemon, or of the machine, makes of sessions.
#include "tests/contract/contract_test.h"

namespace varve::contract {
namespace {

using base::Errc;
using Phase = api::Session::Phase;

TEST_P(ContractTest, ACommittedRunningVolumeOutlivesItsDaemonAndItsMachine) {
    create(root_, origin());
    start(root_);
    if (!pool_->capabilities().commit_running) return;  // refused: ACommitOfARunningVolumeIsAStateAndTheSessionGoesOn
    write_device(root_, "second");
    run(root_, api::Commit{unlimited()});
    write_device(root_, "third");
    reopen();
    EXPECT_EQ(read(root_), "second");
    EXPECT_EQ(view(root_).session->phase, Phase::Started);
    EXPECT_EQ(read_device(root_), "third");
    reboot();
    EXPECT_EQ(read(root_), "second");
    EXPECT_EQ(view(root_).session->phase, Phase::Dirty);
    refuse(root_, api::Commit{unlimited()}, Errc::InvalidArgument);
    stop(root_);
    EXPECT_EQ(read(root_), "third");
}

TEST_P(ContractTest, ARestartOfTheDaemonLeavesSessionsStarted) {
    create(root_, origin());
    publish(root_, "first", at(1));
    start(root_);
    write_device(root_, "second");
    reopen();
    ASSERT_TRUE(view(root_).session);
    EXPECT_EQ(view(root_).session->phase, Phase::Started);
    EXPECT_EQ(read(root_), "first");
    EXPECT_EQ(read_device(root_), "second");
    refuse(root_, api::Start{}, Errc::Busy);
    stop(root_);
    EXPECT_EQ(read(root_), "second");
}

TEST_P(ContractTest, AfterARebootASessionIsDirtyAndNothingHappensUnasked) {
    create(root_, origin());
    publish(root_, "first", at(1));
    start(root_);
    write_device(root_, "second");
    const auto before = describe(view(root_), Ids::Hidden);
    reboot();
    ASSERT_TRUE(view(root_).session);
    EXPECT_EQ(view(root_).session->phase, Phase::Dirty);
    EXPECT_EQ(read(root_), "first");
    EXPECT_TRUE(failed(pool_->device(root_, view(root_)), Errc::NotFound)) << "a dirty volume is not started";
    auto shown = view(root_);
    shown.session->phase = Phase::Started;
    EXPECT_EQ(describe(shown, Ids::Hidden), before);
}

TEST_P(ContractTest, ADirtySessionIsContinuedByStart) {
    create(root_, origin());
    publish(root_, "first", at(1));
    start(root_);
    write_device(root_, "second");
    reboot();
    start(root_);
    EXPECT_EQ(view(root_).session->phase, Phase::Started);
    EXPECT_EQ(read_device(root_), "second");
    refuse(root_, api::Start{}, Errc::Busy);
    stop(root_);
    EXPECT_EQ(read(root_), "second");
    EXPECT_EQ(found(root_, revision_at(1)).state.modified, at(1));
}

TEST_P(ContractTest, ADirtySessionIsCommittedByStop) {
    create(root_, origin());
    publish(root_, "first", at(1));
    start(root_);
    write_device(root_, "second");
    reboot();
    stop(root_);
    EXPECT_EQ(read(root_), "second");
    EXPECT_EQ(read(root_, revision_at(1)), "first");
    EXPECT_FALSE(view(root_).session);
}

TEST_P(ContractTest, ADirtySessionIsDroppedByDiscard) {
    create(root_, origin());
    publish(root_, "first", at(1));
    const auto before = describe(view(root_), Ids::Hidden);
    start(root_);
    write_device(root_, "second");
    reboot();
    discard(root_);
    EXPECT_EQ(describe(view(root_), Ids::Hidden), before);
}

// A driver that copies cannot know after a crash: data written in place may be on disk without its time. It must keep both then.
TEST_P(ContractTest, ADirtySessionThatWroteNothingMakesNoState) {
    create(root_, origin());
    publish(root_, "first", at(1), api::Publish::AsAmendment{});
    const auto before = view(root_);
    start(root_);
    reboot();
    stop(root_);
    EXPECT_EQ(read(root_), "first");
    EXPECT_FALSE(view(root_).session);
    if (pool_->capabilities().transaction == api::Method::Clone || view(root_).revisions.empty()) {
        EXPECT_EQ(describe(view(root_), Ids::Hidden), describe(before, Ids::Hidden));
    } else {
        EXPECT_EQ(contents(root_), std::vector<std::string>{"first"});
        EXPECT_EQ(found(root_, revision_at(1)).state.modified, at(1));
        EXPECT_GE(committed(root_).modified, at(1)) << "it is the newer one";
    }
}

TEST_P(ContractTest, ADirtyVolumeRefusesWhatWouldLoseItsWrites) {
    create(root_, origin());
    publish(root_, "first", at(1));
    publish(root_, "second", at(2));
    start(root_);
    write_device(root_, "third");
    reboot();
    auto written = image(root_.vm, "fourth", mebibytes(1), at(4));
    refuse(root_, api::Revert{revision_at(1)}, Errc::Busy);
    refuse(root_, api::Resize{mebibytes(2)}, Errc::Busy);
    refuse(root_, api::Publish{&written, api::Publish::AsCommitted{}}, Errc::Busy);
    refuse(root_, api::RemoveCommitted{}, Errc::Busy);
    refuse(root_, api::SetTime{{}, at(9)}, Errc::Busy);
    start(root_);
    EXPECT_EQ(read_device(root_), "third");
}

TEST_P(ContractTest, DirtySnapshotsAndVolatilesAreContinuedOrDropped) {
    create(root_, origin());
    publish(root_, "template", at(1));
    create(app_, snapshot_of(root_));
    const auto swap = path("work", "volatile");
    create(swap, volatile_volume());
    start(app_);
    start(swap);
    write_device(app_, "mine");
    write_device(swap, "paged");
    publish(root_, "upgraded", at(2));
    reboot();
    EXPECT_EQ(view(app_).session->phase, Phase::Dirty);
    EXPECT_EQ(view(swap).session->phase, Phase::Dirty);
    start(app_);
    start(swap);
    EXPECT_EQ(read_device(app_), "mine");
    EXPECT_EQ(read_device(swap), "paged");
    EXPECT_EQ(read(app_, api::BaseState{}), "template") << "it goes on from what it started from";
    reboot();
    stop(app_);
    discard(swap);
    EXPECT_FALSE(view(app_).session);
    EXPECT_FALSE(view(app_).committed);
    EXPECT_FALSE(view(swap).session);
}

TEST_P(ContractTest, ADirtySessionWithoutASnapshotLayerIsContinuedAndCommitted) {
    auto config = origin();
    config.revisions_to_keep = keep(-1);
    create(root_, config);
    start(root_);
    write_device(root_, "half");
    reboot();
    ASSERT_TRUE(view(root_).session);
    EXPECT_EQ(view(root_).session->phase, Phase::Dirty);
    EXPECT_TRUE(view(root_).session->no_snapshot_layer);
    start(root_);
    EXPECT_EQ(read_device(root_), "half");
    reboot();
    stop(root_);
    EXPECT_EQ(read(root_), "half");
}

}  // namespace
}  // namespace varve::contract
