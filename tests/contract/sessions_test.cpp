// SPDX-License-Identifier: LGPL-2.1-or-later
// Start, stop, commit and discard of each kind.
#include "tests/contract/contract_test.h"

#include <fcntl.h>
#include <unistd.h>

namespace varve::contract {
namespace {

using base::Errc;
using Phase = api::Session::Phase;

TEST_P(ContractTest, AStartedOriginHasASessionAndKeepsItsState) {
    create(root_, origin());
    publish(root_, "first", at(1));
    const auto before = committed(root_);
    start(root_);
    ASSERT_TRUE(view(root_).session);
    EXPECT_EQ(view(root_).session->phase, Phase::Started);
    EXPECT_EQ(view(root_).session->size, before.size);
    EXPECT_FALSE(view(root_).session->base) << "only kinds with a source have a base";
    EXPECT_FALSE(view(root_).session->no_snapshot_layer);
    EXPECT_EQ(committed(root_).id, before.id);
    EXPECT_EQ(committed(root_).modified, before.modified);
    EXPECT_EQ(committed(root_).changed, before.changed);
}

TEST_P(ContractTest, TheDeviceShowsTheStateAndItsSize) {
    create(root_, origin(mebibytes(2)));
    publish(root_, "first", at(1), api::Publish::AsCommitted{}, mebibytes(3));
    start(root_);
    EXPECT_EQ(read_device(root_), "first");
    const base::UniqueFd device(::open(pool_->device(root_, view(root_))->c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(::lseek(device.get(), 0, SEEK_END), static_cast<off_t>(mebibytes(3).count));
}

TEST_P(ContractTest, ThereIsADeviceOnlyWhileStarted) {
    create(root_, origin());
    EXPECT_TRUE(failed(pool_->device(root_, view(root_)), Errc::NotFound));
    start(root_);
    EXPECT_TRUE(succeeded(pool_->device(root_, view(root_))));
    discard(root_);
    EXPECT_TRUE(failed(pool_->device(root_, view(root_)), Errc::NotFound));
}

TEST_P(ContractTest, WritesOfASessionAreNotSeenUntilItStops) {
    create(root_, origin());
    publish(root_, "first", at(1));
    start(root_);
    write_device(root_, "second");
    EXPECT_EQ(read(root_), "first");
    EXPECT_EQ(read_device(root_), "second");
    stop(root_);
    EXPECT_EQ(read(root_), "second");
    EXPECT_FALSE(view(root_).session);
}

TEST_P(ContractTest, StopMakesANewStateAndKeepsTheOldOne) {
    create(root_, origin());
    publish(root_, "first", at(1), api::Publish::AsAmendment{});
    const auto before = committed(root_);
    clock_.advance(100);
    session(root_, "second", at(50));
    EXPECT_NE(committed(root_).id, before.id);
    EXPECT_NE(committed(root_).identity, before.identity);
    EXPECT_GT(committed(root_).changed, before.changed);
    ASSERT_EQ(revisions(root_), std::vector<std::string>{"2020-01-01T00:00:01Z"});
    const auto& old = found(root_, revision_at(1));
    EXPECT_EQ(old.state.id, before.id) << "a state keeps its id when it becomes a revision";
    EXPECT_EQ(old.state.modified, before.modified);
    EXPECT_EQ(old.state.size, before.size);
    EXPECT_FALSE(old.replaced) << "a VM's stop replaced it, not the mount";
    EXPECT_EQ(read(root_, revision_at(1)), "first");
}

TEST_P(ContractTest, TheTimeOfACommittedStateIsThatOfItsLastWrite) {
    create(root_, origin());
    set_time(root_, at(1));
    start(root_);
    write_device(root_, "now");
    stop(root_);
    EXPECT_GT(committed(root_).modified, at(1'000));
}

TEST_P(ContractTest, StopWithoutAWriteChangesNothing) {
    create(root_, origin());
    publish(root_, "first", at(1));
    const auto before = describe(view(root_), Ids::Shown);
    const auto identity = committed(root_).identity;
    clock_.advance(100);
    start(root_);
    EXPECT_EQ(read_device(root_), "first");
    stop(root_);
    EXPECT_EQ(describe(view(root_), Ids::Shown), before);
    EXPECT_EQ(committed(root_).identity, identity);
}

TEST_P(ContractTest, DiscardDropsWhatTheSessionWrote) {
    create(root_, origin());
    publish(root_, "first", at(1));
    const auto before = describe(view(root_), Ids::Shown);
    start(root_);
    write_device(root_, "dropped");
    discard(root_);
    EXPECT_EQ(describe(view(root_), Ids::Shown), before);
    EXPECT_EQ(read(root_), "first");
    start(root_);
    EXPECT_EQ(read_device(root_), "first");
}

TEST_P(ContractTest, ACommitOfARunningVolumeIsAStateAndTheSessionGoesOn) {
    create(root_, origin());
    publish(root_, "first", at(1), api::Publish::AsAmendment{});
    start(root_);
    write_device(root_, "second");
    if (!pool_->capabilities().commit_running) {
        refuse(root_, api::Commit{unlimited()}, Errc::Unsupported);
        return;
    }
    const auto first = committed(root_);
    run(root_, api::Commit{unlimited()});
    EXPECT_NE(committed(root_).id, first.id);
    EXPECT_NE(committed(root_).identity, first.identity);
    EXPECT_GT(committed(root_).modified, at(1'000));
    EXPECT_EQ(read(root_), "second");
    ASSERT_EQ(contents(root_), std::vector<std::string>{"first"});
    EXPECT_FALSE(found(root_, revision_at(1)).replaced);
    ASSERT_TRUE(view(root_).session);
    EXPECT_EQ(view(root_).session->phase, Phase::Started);
    EXPECT_EQ(read_device(root_), "second");
    write_device(root_, "third");
    EXPECT_EQ(read(root_), "second") << "the VM writes nobody's state";
    stop(root_);
    EXPECT_EQ(read(root_), "third");
    EXPECT_EQ(contents(root_), (std::vector<std::string>{"first", "second"}));
}

TEST_P(ContractTest, ACommitWithoutAWriteSinceChangesNothing) {
    create(root_, origin());
    publish(root_, "first", at(1), api::Publish::AsAmendment{});
    start(root_);
    if (!pool_->capabilities().commit_running) return;  // refused: ACommitOfARunningVolumeIsAStateAndTheSessionGoesOn
    const auto untouched = describe(view(root_), Ids::Shown);
    run(root_, api::Commit{unlimited()});
    EXPECT_EQ(describe(view(root_), Ids::Shown), untouched);
    write_device(root_, "second");
    run(root_, api::Commit{unlimited()});
    const auto once = describe(view(root_), Ids::Shown);
    run(root_, api::Commit{unlimited()});
    EXPECT_EQ(describe(view(root_), Ids::Shown), once);
    const auto state = committed(root_).id;
    stop(root_);
    EXPECT_EQ(committed(root_).id, state);
    EXPECT_EQ(contents(root_).size(), 1U);
}

TEST_P(ContractTest, ACommitPrunesAndSparesTheNewState) {
    create(root_, origin());
    publish(root_, "first", at(1), api::Publish::AsAmendment{});
    start(root_);
    if (!pool_->capabilities().commit_running) return;  // refused: ACommitOfARunningVolumeIsAStateAndTheSessionGoesOn
    for (const auto* text : {"second", "third", "fourth"}) {
        clock_.advance(10);
        write_device(root_, text);
        run(root_, api::Commit{retention(1)});
    }
    EXPECT_EQ(read(root_), "fourth");
    EXPECT_EQ(contents(root_), std::vector<std::string>{"third"});
    discard(root_);
    EXPECT_EQ(read(root_), "fourth") << "discarded is only what came after the commit";
}

TEST_P(ContractTest, OnlyARunningVolumeThatKeepsItsWritesIsCommitted) {
    create(root_, origin());
    refuse(root_, api::Commit{unlimited()}, Errc::InvalidArgument);
    refuse(app_, api::Commit{unlimited()}, Errc::NotFound);
    create(app_, snapshot_of(root_));
    start(app_);
    refuse(app_, api::Commit{unlimited()}, Errc::InvalidArgument);
}

TEST_P(ContractTest, ChildrenOfARunningVolumeSeeItsCommitAtTheirNextStart) {
    create(root_, origin());
    publish(root_, "first", at(1));
    create(app_, snapshot_of(root_));
    start(root_);
    if (!pool_->capabilities().commit_running) return;  // refused: ACommitOfARunningVolumeIsAStateAndTheSessionGoesOn
    start(app_);
    write_device(root_, "second");
    run(root_, api::Commit{unlimited()});
    EXPECT_EQ(read_device(app_), "first");
    stop(app_);
    start(app_);
    EXPECT_EQ(read_device(app_), "second");
}

TEST_P(ContractTest, AVolatileVolumeForgetsAtEveryStop) {
    create(app_, volatile_volume(mebibytes(2)));
    start(app_);
    EXPECT_EQ(view(app_).session->size, mebibytes(2));
    EXPECT_EQ(read_device(app_), "");
    write_device(app_, "swap");
    stop(app_);
    EXPECT_FALSE(view(app_).committed);
    EXPECT_TRUE(view(app_).revisions.empty());
    start(app_);
    EXPECT_EQ(read_device(app_), "");
}

TEST_P(ContractTest, AnEmptyVolatileVolumeDoesNotStart) {
    create(app_, volatile_volume({}));
    refuse(app_, api::Start{}, Errc::InvalidArgument);
}

TEST_P(ContractTest, ASnapshotForgetsAtEveryStop) {
    create(root_, origin());
    publish(root_, "template", at(1));
    create(app_, snapshot_of(root_));
    start(app_);
    EXPECT_EQ(read_device(app_), "template");
    write_device(app_, "mine");
    EXPECT_EQ(read(root_), "template");
    stop(app_);
    EXPECT_FALSE(view(app_).committed);
    EXPECT_FALSE(view(app_).session);
    start(app_);
    EXPECT_EQ(read_device(app_), "template");
}

TEST_P(ContractTest, AnOriginSnapshotKeepsWhatItWroteButStartsFromItsSource) {
    if (!pool_->capabilities().origin_snapshot) return;  // refused: CreatesAnOriginSnapshotExactlyWhenItCan
    create(root_, origin());
    publish(root_, "template", at(1));
    create(app_, origin_snapshot_of(root_));
    session(app_, "mine", at(10));
    EXPECT_EQ(read(app_), "mine");
    EXPECT_TRUE(view(app_).revisions.empty());
    start(app_);
    EXPECT_EQ(read_device(app_), "template");
    EXPECT_EQ(read(app_), "mine");
    write_device(app_, "again");
    stop(app_);
    EXPECT_EQ(read(app_), "again");
    EXPECT_EQ(contents(app_), std::vector<std::string>{"mine"});
}

TEST_P(ContractTest, AnOriginSnapshotThatWroteNothingKeepsItsState) {
    if (!pool_->capabilities().origin_snapshot) return;  // refused: CreatesAnOriginSnapshotExactlyWhenItCan
    create(root_, origin());
    create(app_, origin_snapshot_of(root_));
    start(app_);
    stop(app_);
    EXPECT_FALSE(view(app_).committed);
    session(app_, "mine", at(10));
    start(app_);
    stop(app_);
    EXPECT_EQ(read(app_), "mine");
    EXPECT_TRUE(view(app_).revisions.empty());
}

TEST_P(ContractTest, ASecondStartIsBusy) {
    create(root_, origin());
    create(app_, volatile_volume());
    start(root_);
    start(app_);
    refuse(root_, api::Start{}, Errc::Busy);
    refuse(app_, api::Start{}, Errc::Busy);
}

TEST_P(ContractTest, StoppingWhatIsNotStartedIsRefused) {
    create(root_, origin());
    refuse(root_, api::Stop{}, Errc::InvalidArgument);
    refuse(root_, api::Stop{api::Stop::Outcome::Discard, {}}, Errc::InvalidArgument);
}

TEST_P(ContractTest, ARunningVolumeRefusesWhatWouldChangeItUnderItsVm) {
    create(root_, origin());
    publish(root_, "first", at(1));
    publish(root_, "second", at(2));
    start(root_);
    auto written = image(root_.vm, "third", mebibytes(1), at(3));
    refuse(root_, api::RemoveCommitted{}, Errc::Busy);
    refuse(root_, api::Revert{revision_at(1)}, Errc::Busy);
    refuse(root_, api::Publish{&written, api::Publish::AsCommitted{}}, Errc::Busy);
    refuse(root_, api::SetTime{{}, at(9)}, Errc::Busy);
    auto config = view(root_).config;
    config.revisions_to_keep = keep(-1);
    refuse(root_, api::Configure{config}, Errc::Busy);
}

TEST_P(ContractTest, ASnapshotsSourceCannotBeChangedWhileItRuns) {
    create(root_, origin());
    create(app_, snapshot_of(root_));
    start(app_);
    refuse(app_, api::Configure{snapshot_of(path("debian", "root"))}, Errc::Busy);
}

TEST_P(ContractTest, WithoutASnapshotLayerTheVmWritesTheStateItself) {
    auto config = origin();
    config.revisions_to_keep = keep(-1);
    create(root_, config);
    publish(root_, "first", at(1), api::Publish::AsAmendment{});
    start(root_);
    ASSERT_TRUE(view(root_).session);
    EXPECT_TRUE(view(root_).session->no_snapshot_layer);
    EXPECT_FALSE(view(root_).committed) << "there is no state apart from what the VM writes";
    EXPECT_EQ(read_device(root_), "first");
    write_device(root_, "second");
    EXPECT_TRUE(failed(open_state(root_), Errc::Busy));
    refuse(root_, api::Stop{api::Stop::Outcome::Discard, {}}, Errc::Unsupported);
    refuse(root_, api::TakeSnapshot{label("now")}, Errc::Busy);
    stop(root_);
    EXPECT_EQ(read(root_), "second");
    EXPECT_TRUE(view(root_).revisions.empty());
    EXPECT_FALSE(view(root_).session);
}

TEST_P(ContractTest, WithoutASnapshotLayerAStateKeepsItsIdThroughASession) {
    auto config = origin();
    config.revisions_to_keep = keep(-1);
    create(root_, config);
    publish(root_, "first", at(1), api::Publish::AsAmendment{});
    const auto before = describe(view(root_), Ids::Shown);
    start(root_);
    stop(root_);
    EXPECT_EQ(describe(view(root_), Ids::Shown), before);
}

TEST_P(ContractTest, WithoutASnapshotLayerOldRevisionsGoAtTheNextStartAndLabelsStay) {
    create(root_, origin());
    publish(root_, "first", at(1));
    publish(root_, "second", at(2));
    run(root_, api::TakeSnapshot{label("pinned")});
    auto config = view(root_).config;
    config.revisions_to_keep = keep(-1);
    run(root_, api::Configure{config});
    EXPECT_GE(view(root_).revisions.size(), 2U);
    start(root_);
    EXPECT_EQ(revisions(root_), std::vector<std::string>{"pinned"});
    write_device(root_, "third");
    EXPECT_EQ(read(root_, revision("pinned")), "second") << "the VM must not write into a shared state";
    stop(root_);
    EXPECT_EQ(read(root_), "third");
    EXPECT_EQ(read(root_, revision("pinned")), "second");
}

TEST_P(ContractTest, WithoutASnapshotLayerARunningSnapshotsBaseIsNotWrittenTo) {
    create(root_, origin());
    publish(root_, "template", at(1));
    create(app_, snapshot_of(root_));
    start(app_);
    auto config = view(root_).config;
    config.revisions_to_keep = keep(-1);
    run(root_, api::Configure{config});
    start(root_);
    write_device(root_, "upgraded");
    EXPECT_EQ(read(app_, api::BaseState{}), "template");
    EXPECT_EQ(read_device(app_), "template");
    stop(root_);
    EXPECT_EQ(read(app_, api::BaseState{}), "template");
    EXPECT_NE(committed(root_).identity, view(app_).session->base->identity) << "the snapshot is outdated";
}

TEST_P(ContractTest, ThePoolsDefaultCanBeNoSnapshotLayer) {
    pool_keep_ = keep(-1);
    open_pool();
    create(root_, origin());
    start(root_);
    EXPECT_TRUE(view(root_).session->no_snapshot_layer);
    stop(root_);
    auto config = view(root_).config;
    config.revisions_to_keep = keep(0);
    run(root_, api::Configure{config});
    start(root_);
    EXPECT_FALSE(view(root_).session->no_snapshot_layer) << "the volume's own setting goes first";
}

}  // namespace
}  // namespace varve::contract
