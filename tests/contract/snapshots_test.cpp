// SPDX-License-Identifier: LGPL-2.1-or-later
// What a snapshot starts from, and the facts that tell whether it is outdated.
#include "tests/contract/contract_test.h"

#include <unistd.h>

namespace varve::contract {
namespace {

using base::Errc;

// Whether the source has another committed state than the one that the running snapshot started from, as the engine asks it.
bool outdated(const api::VolumeView& snapshot, const api::VolumeView& source) {
    return snapshot.session && snapshot.session->base &&
           (!source.committed || source.committed->identity != snapshot.session->base->identity);
}

TEST_P(ContractTest, ASnapshotStartsFromItsSourcesState) {
    create(root_, origin(mebibytes(2)));
    publish(root_, "template", at(1), api::Publish::AsCommitted{}, mebibytes(3));
    create(app_, snapshot_of(root_));
    start(app_);
    ASSERT_TRUE(view(app_).session && view(app_).session->base);
    EXPECT_EQ(view(app_).session->size, mebibytes(3));
    EXPECT_EQ(view(app_).session->base->size, mebibytes(3));
    EXPECT_EQ(view(app_).session->base->modified, at(1));
    EXPECT_EQ(read(app_, api::BaseState{}), "template");
    EXPECT_FALSE(outdated(view(app_), view(root_)));
    write_device(app_, "mine");
    EXPECT_EQ(read(app_, api::BaseState{}), "template");
}

TEST_P(ContractTest, ThereIsABaseOnlyWhileASnapshotRuns) {
    create(root_, origin());
    create(app_, snapshot_of(root_));
    EXPECT_TRUE(failed(open_state(app_, api::BaseState{}), Errc::NotFound));
    EXPECT_TRUE(failed(open_state(app_), Errc::NotFound)) << "a snapshot has no state of its own";
    start(root_);
    EXPECT_TRUE(failed(open_state(root_, api::BaseState{}), Errc::NotFound));
}

TEST_P(ContractTest, ASnapshotOfARunningSourceStartsFromTheStateBefore) {
    create(root_, origin());
    publish(root_, "template", at(1));
    create(app_, snapshot_of(root_));
    start(root_);
    write_device(root_, "half an upgrade");
    start(app_);
    EXPECT_EQ(read_device(app_), "template");
    stop(root_);
    EXPECT_EQ(read_device(app_), "template");
    EXPECT_EQ(read(app_, api::BaseState{}), "template");
    EXPECT_TRUE(outdated(view(app_), view(root_)));
    stop(app_);
    start(app_);
    EXPECT_EQ(read_device(app_), "half an upgrade");
    EXPECT_FALSE(outdated(view(app_), view(root_)));
}

TEST_P(ContractTest, ASourceThatRanWithoutWritingMakesNobodyOutdated) {
    create(root_, origin());
    publish(root_, "template", at(1));
    create(app_, snapshot_of(root_));
    start(app_);
    start(root_);
    stop(root_);
    EXPECT_FALSE(outdated(view(app_), view(root_)));
}

TEST_P(ContractTest, OutdatedIsTheStateNotItsName) {
    create(root_, origin());
    publish(root_, "template", at(1), api::Publish::AsAmendment{});
    create(app_, snapshot_of(root_));
    start(app_);
    publish(root_, "upgraded", at(2));
    EXPECT_TRUE(outdated(view(app_), view(root_)));
    run(root_, api::Revert{revision_at(1)});
    EXPECT_FALSE(outdated(view(app_), view(root_))) << "it runs on the committed state again";
}

TEST_P(ContractTest, OutdatedOutlivesARestart) {
    create(root_, origin());
    publish(root_, "template", at(1));
    create(app_, snapshot_of(root_));
    start(app_);
    reopen();
    EXPECT_FALSE(outdated(view(app_), view(root_)));
    publish(root_, "upgraded", at(2));
    reopen();
    EXPECT_TRUE(outdated(view(app_), view(root_)));
    EXPECT_EQ(read(app_, api::BaseState{}), "template");
}

TEST_P(ContractTest, AFixedSourceIsThatRevision) {
    create(root_, origin());
    publish(root_, "old", at(1));
    publish(root_, "new", at(2));
    create(app_, snapshot_of(root_, revision_at(1)));
    start(app_);
    EXPECT_EQ(read_device(app_), "old");
    EXPECT_EQ(view(app_).session->base->identity, found(root_, revision_at(1)).state.identity);
    const auto labelled = path("work", "labelled");
    run(root_, api::TakeSnapshot{label("stable")});
    publish(root_, "newest", at(3));
    create(labelled, snapshot_of(root_, revision("stable")));
    start(labelled);
    EXPECT_EQ(read_device(labelled), "new");
}

TEST_P(ContractTest, AFixedSourceStartsEvenWhenTheVolumeIsRemoved) {
    create(root_, origin());
    publish(root_, "old", at(1));
    publish(root_, "new", at(2));
    run(root_, api::RemoveCommitted{});
    create(app_, snapshot_of(root_, revision_at(1)));
    start(app_);
    EXPECT_EQ(read_device(app_), "old");
}

TEST_P(ContractTest, ASnapshotOfASnapshotStartsFromTheEndOfTheChain) {
    create(root_, origin());
    publish(root_, "template", at(1));
    create(app_, snapshot_of(root_));
    const auto disposable = path("mail", "root");
    create(disposable, snapshot_of(app_));
    start(app_);
    write_device(app_, "the app's own");
    start(disposable);
    EXPECT_EQ(read_device(disposable), "template");
    EXPECT_EQ(view(disposable).session->base->identity, committed(root_).identity);
    stop(app_);
    publish(root_, "upgraded", at(2));
    EXPECT_TRUE(outdated(view(disposable), view(root_)));
    reboot();
    EXPECT_EQ(read(disposable, api::BaseState{}), "template");
    discard(disposable);
    start(disposable);
    EXPECT_EQ(read_device(disposable), "upgraded");
}

TEST_P(ContractTest, AChainEndsAtTheRevisionThatAStepIsFixedTo) {
    create(root_, origin());
    publish(root_, "old", at(1));
    publish(root_, "new", at(2));
    create(app_, snapshot_of(root_, revision_at(1)));
    const auto disposable = path("mail", "root");
    create(disposable, snapshot_of(app_));
    start(disposable);
    EXPECT_EQ(read_device(disposable), "old");
    EXPECT_EQ(view(disposable).session->base->identity, found(root_, revision_at(1)).state.identity);
}

TEST_P(ContractTest, AMissingSourceIsNotFoundAtStart) {
    create(app_, snapshot_of(root_));
    refuse(app_, api::Start{}, Errc::NotFound);
    create(root_, origin());
    publish(root_, "first", at(1));
    const auto fixed = path("work", "fixed");
    create(fixed, snapshot_of(root_, revision("missing")));
    const auto source = view(root_);
    refuse(fixed, api::Start{api::StartSource{{root_, revision("missing")}, &source}}, Errc::NotFound);
}

TEST_P(ContractTest, ASourceWithoutACommittedStateIsNotFound) {
    create(root_, origin());
    publish(root_, "first", at(1));
    run(root_, api::RemoveCommitted{});
    create(app_, snapshot_of(root_));
    const auto source = view(root_);
    refuse(app_, api::Start{api::StartSource{{root_, {}}, &source}}, Errc::NotFound);
    const auto second = path("work", "second");
    create(second, snapshot_of(app_));
    const auto snapshot = view(app_);
    refuse(second, api::Start{api::StartSource{{app_, {}}, &snapshot}}, Errc::NotFound);
}

TEST_P(ContractTest, AnEmptySourceDoesNotStart) {
    create(root_, origin({}));
    create(app_, snapshot_of(root_));
    const auto source = view(root_);
    refuse(app_, api::Start{api::StartSource{{root_, {}}, &source}}, Errc::InvalidArgument);
}

TEST_P(ContractTest, ASourceThatRunsWithoutASnapshotLayerIsBusy) {
    auto config = origin();
    config.revisions_to_keep = keep(-1);
    create(root_, config);
    create(app_, snapshot_of(root_));
    start(root_);
    const auto source = view(root_);
    refuse(app_, api::Start{api::StartSource{{root_, {}}, &source}}, Errc::Busy);
    stop(root_);
    start(app_);
}

TEST_P(ContractTest, SnapshotsOfOneSourceAreIndependent) {
    create(root_, origin());
    publish(root_, "template", at(1));
    const auto other = path("mail", "root");
    create(app_, snapshot_of(root_));
    create(other, snapshot_of(root_));
    start(app_);
    start(other);
    write_device(app_, "work");
    EXPECT_EQ(read_device(other), "template");
    write_device(other, "mail");
    EXPECT_EQ(read_device(app_), "work");
    EXPECT_EQ(read(root_), "template");
    stop(other);
    EXPECT_EQ(read_device(app_), "work");
}

TEST_P(ContractTest, ARunningSnapshotOutlivesItsSource) {
    create(root_, origin());
    publish(root_, "template", at(1), api::Publish::AsAmendment{});
    create(app_, snapshot_of(root_));
    start(app_);
    run(root_, api::RemoveCommitted{});
    EXPECT_FALSE(exists(root_));
    EXPECT_EQ(read_device(app_), "template");
    EXPECT_EQ(read(app_, api::BaseState{}), "template");
    reboot();
    start(app_);
    EXPECT_EQ(read_device(app_), "template");
    stop(app_);
    EXPECT_TRUE(exists(app_));
}

TEST_P(ContractTest, AResizeOfTheSourceLeavesARunningSnapshotsBaseAlone) {
    create(root_, origin());
    publish(root_, "template", at(1));
    create(app_, snapshot_of(root_));
    start(app_);
    run(root_, api::Resize{mebibytes(8)});
    EXPECT_EQ(view(app_).session->base->size, mebibytes(1));
    const auto base = open_state(app_, api::BaseState{});
    ASSERT_TRUE(succeeded(base));
    EXPECT_EQ(::lseek(base->get(), 0, SEEK_END), static_cast<off_t>(mebibytes(1).count));
    reopen();
    EXPECT_EQ(view(app_).session->base->size, mebibytes(1));
}

TEST_P(ContractTest, PruningTheSourceLeavesARunningSnapshotsBaseAlone) {
    create(root_, origin());
    publish(root_, "template", at(1), api::Publish::AsAmendment{});
    create(app_, snapshot_of(root_));
    start(app_);
    publish(root_, "second", at(2));
    run(root_, api::Prune{retention(0)});
    EXPECT_EQ(read(app_, api::BaseState{}), "template");
    EXPECT_EQ(read_device(app_), "template");
}

TEST_P(ContractTest, AnOriginSnapshotHasABaseWhileItRuns) {
    if (!pool_->capabilities().origin_snapshot) return;  // refused: CreatesAnOriginSnapshotExactlyWhenItCan
    create(root_, origin());
    publish(root_, "template", at(1));
    create(app_, origin_snapshot_of(root_));
    start(app_);
    EXPECT_EQ(read(app_, api::BaseState{}), "template");
    EXPECT_FALSE(outdated(view(app_), view(root_)));
    write_device(app_, "mine");
    reboot();
    EXPECT_EQ(view(app_).session->phase, api::Session::Phase::Dirty);
    start(app_);
    EXPECT_EQ(read_device(app_), "mine") << "a dirty session is continued, not started anew";
    discard(app_);
    EXPECT_FALSE(view(app_).committed);
}

}  // namespace
}  // namespace varve::contract
