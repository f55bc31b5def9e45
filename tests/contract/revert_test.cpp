// SPDX-License-Identifier: LGPL-2.1-or-later
// Going back to an earlier state, and removing states and volumes.
#include "tests/contract/contract_test.h"

namespace varve::contract {
namespace {

using base::Errc;
using Texts = std::vector<std::string>;

TEST_P(ContractTest, RevertKeepsThePresentStateAndTheNewerRevisions) {
    create(root_, origin());
    publish(root_, "0", at(0), api::Publish::AsAmendment{});
    for (int i = 1; i <= 3; ++i) publish(root_, std::to_string(i), at(i));
    const auto present = committed(root_);
    const auto wanted = found(root_, revision_at(1)).state;
    clock_.advance(10);
    run(root_, api::Revert{revision_at(1)});
    EXPECT_EQ(read(root_), "1");
    EXPECT_EQ(committed(root_).id, wanted.id) << "a state keeps its id when it becomes the committed one";
    EXPECT_EQ(committed(root_).modified, at(1));
    EXPECT_EQ(committed(root_).changed, clock_.now());
    EXPECT_EQ(contents(root_), (Texts{"0", "2", "3"}));
    const auto& kept = found(root_, revision_at(3));
    EXPECT_EQ(kept.state.id, present.id);
    ASSERT_TRUE(kept.replaced) << "the mount replaced it";
    EXPECT_EQ(*kept.replaced, clock_.now());
}

TEST_P(ContractTest, RevertingForthAndBackLosesNothing) {
    create(root_, origin());
    publish(root_, "0", at(0), api::Publish::AsAmendment{});
    for (int i = 1; i <= 3; ++i) publish(root_, std::to_string(i), at(i));
    for (const int second : {1, 0, 2, 3}) run(root_, api::Revert{revision_at(second)});
    EXPECT_EQ(read(root_), "3");
    EXPECT_EQ(contents(root_), (Texts{"0", "1", "2"}));
    EXPECT_EQ(revisions(root_), (Texts{"2020-01-01T00:00:00Z", "2020-01-01T00:00:01Z", "2020-01-01T00:00:02Z"}));
}

TEST_P(ContractTest, RevertCanLeaveTheRevisionUnderItsName) {
    create(root_, origin());
    publish(root_, "first", at(1), api::Publish::AsAmendment{});
    run(root_, api::TakeSnapshot{label("good")});
    publish(root_, "second", at(2), api::Publish::AsAmendment{});
    const auto good = found(root_, revision("good")).state;
    run(root_, api::Revert{revision("good"), api::Revert::Revision::Keep});
    EXPECT_EQ(read(root_), "first");
    EXPECT_EQ(committed(root_).modified, at(1));
    EXPECT_EQ(found(root_, revision("good")).state.id, good.id);
    EXPECT_NE(committed(root_).id, good.id);
    EXPECT_EQ(contents(root_), (Texts{"first", "second"}));
    session(root_, "third", at(3));
    EXPECT_EQ(read(root_, revision("good")), "first") << "later sessions must not write into it";
}

TEST_P(ContractTest, RevertCanLeaveATimedRevisionUnderItsName) {
    create(root_, origin());
    set_time(root_, at(0));
    publish(root_, "first", at(1));
    publish(root_, "second", at(2));
    run(root_, api::Revert{revision_at(1), api::Revert::Revision::Keep});
    EXPECT_EQ(read(root_), "first");
    EXPECT_EQ(contents(root_), (Texts{"", "first", "second"}));
    EXPECT_EQ(committed(root_).modified, found(root_, revision_at(1)).state.modified);
}

TEST_P(ContractTest, RevertCanDropThePresentState) {
    create(root_, origin());
    set_time(root_, at(0));
    publish(root_, "mistake", at(1));
    run(root_, api::Revert{revision_at(0), api::Revert::Revision::Move, api::Revert::Present::Drop});
    EXPECT_EQ(read(root_), "");
    EXPECT_TRUE(view(root_).revisions.empty());
}

TEST_P(ContractTest, RevertBringsARemovedVolumeBack) {
    create(root_, origin());
    set_time(root_, at(0));
    publish(root_, "first", at(1));
    publish(root_, "second", at(2));
    run(root_, api::RemoveCommitted{});
    const auto id = found(root_, revision_at(1)).state.id;
    run(root_, api::Revert{revision_at(1)});
    EXPECT_EQ(read(root_), "first");
    EXPECT_EQ(committed(root_).id, id);
    EXPECT_EQ(contents(root_), Texts{""});
    start(root_);
    EXPECT_EQ(read_device(root_), "first");
}

TEST_P(ContractTest, RevertRestoresTheSizeToo) {
    create(root_, origin());
    set_time(root_, at(0));
    publish(root_, "large", at(1), api::Publish::AsCommitted{}, mebibytes(5));
    run(root_, api::Revert{revision_at(0)});
    EXPECT_EQ(committed(root_).size, mebibytes(1));
    EXPECT_EQ(found(root_, revision_at(1)).state.size, mebibytes(5));
}

TEST_P(ContractTest, RevertWithinOneSecondTellsTheStatesApart) {
    create(root_, origin());
    publish(root_, "a", at(1), api::Publish::AsAmendment{});
    publish(root_, "b", at(1));
    run(root_, api::Revert{revision_at(1)});
    EXPECT_EQ(read(root_), "a");
    EXPECT_EQ(contents(root_), Texts{"b"});
    run(root_, api::Revert{view(root_).revisions.front().id});
    EXPECT_EQ(read(root_), "b");
    EXPECT_EQ(contents(root_), Texts{"a"});
    reopen();
    EXPECT_EQ(read(root_), "b");
    EXPECT_EQ(contents(root_), Texts{"a"});
}

TEST_P(ContractTest, RevertToWhatIsNotThereChangesNothing) {
    create(root_, origin());
    publish(root_, "first", at(1));
    refuse(root_, api::Revert{revision_at(99)}, Errc::NotFound);
    refuse(root_, api::Revert{revision("missing")}, Errc::NotFound);
    EXPECT_EQ(read(root_), "first");
}

TEST_P(ContractTest, AnOriginSnapshotIsRevertedToo) {
    if (!pool_->capabilities().origin_snapshot) return;  // refused: CreatesAnOriginSnapshotExactlyWhenItCan
    create(root_, origin());
    create(app_, origin_snapshot_of(root_));
    session(app_, "one", at(1));
    session(app_, "two", at(2));
    run(app_, api::Revert{revision_at(1)});
    EXPECT_EQ(read(app_), "one");
    EXPECT_EQ(contents(app_), Texts{"two"});
}

// ---- removal

TEST_P(ContractTest, RemovingTheOnlyStateRemovesTheVolume) {
    create(root_, origin());
    run(root_, api::RemoveCommitted{});
    EXPECT_FALSE(exists(root_));
    const auto left = pool_->load_volume(root_, nullptr);
    ASSERT_TRUE(succeeded(left));
    EXPECT_FALSE(*left);
    create(root_, origin(mebibytes(2)));
    EXPECT_EQ(committed(root_).size, mebibytes(2));
}

TEST_P(ContractTest, RemovingTheCommittedStateLeavesTheRevisions) {
    create(root_, origin());
    set_time(root_, at(0));
    publish(root_, "first", at(1));
    publish(root_, "second", at(2));
    auto config = view(root_).config;
    config.revisions_to_keep = keep(9);
    run(root_, api::Configure{config});
    run(root_, api::RemoveCommitted{});
    ASSERT_TRUE(exists(root_));
    EXPECT_FALSE(view(root_).committed);
    EXPECT_EQ(contents(root_), (Texts{"", "first"}));
    refuse(root_, api::RemoveCommitted{}, Errc::NotFound);
    refuse(root_, api::Start{}, Errc::NotFound);
    refuse(root_, api::Resize{mebibytes(2)}, Errc::NotFound);
    EXPECT_TRUE(failed(open_state(root_), Errc::NotFound));
    reopen();
    EXPECT_EQ(contents(root_), (Texts{"", "first"}));
    EXPECT_EQ(view(root_).config.revisions_to_keep, keep(9)) << "it comes back as it was";
}

TEST_P(ContractTest, AVolumeGoesWithItsLastState) {
    create(root_, origin());
    set_time(root_, at(0));
    publish(root_, "first", at(1));
    run(root_, api::TakeSnapshot{label("label")});
    run(root_, api::RemoveCommitted{});
    run(root_, api::RemoveRevision{revision("label")});
    EXPECT_TRUE(exists(root_));
    run(root_, api::RemoveRevision{revision_at(0)});
    EXPECT_FALSE(exists(root_));
    reopen();
    EXPECT_FALSE(exists(root_));
    EXPECT_TRUE(succeeded(pool_->remove_vm(root_.vm))) << "nothing of it may be left in its VM's place";
}

TEST_P(ContractTest, RemovingARevisionRemovesThatStateAlone) {
    create(root_, origin());
    set_time(root_, at(0));
    for (int i = 1; i <= 3; ++i) publish(root_, std::to_string(i), at(i));
    run(root_, api::RemoveRevision{revision_at(1)});
    EXPECT_EQ(contents(root_), (Texts{"", "2"}));
    EXPECT_EQ(read(root_), "3");
    refuse(root_, api::RemoveRevision{revision_at(1)}, Errc::NotFound);
    refuse(root_, api::RemoveRevision{revision("label")}, Errc::NotFound);
}

TEST_P(ContractTest, VolumesWithoutAStateAreRemovedThemselves) {
    const auto swap = path("work", "volatile");
    create(app_, snapshot_of(root_));
    create(swap, volatile_volume());
    run(app_, api::RemoveCommitted{});
    run(swap, api::RemoveCommitted{});
    EXPECT_FALSE(exists(app_));
    EXPECT_FALSE(exists(swap));
    reopen();
    EXPECT_FALSE(exists(app_));
    EXPECT_FALSE(exists(swap));
}

TEST_P(ContractTest, RunningVolumesWithoutAStateAreNotRemoved) {
    create(app_, volatile_volume());
    start(app_);
    refuse(app_, api::RemoveCommitted{}, Errc::Busy);
    reboot();
    refuse(app_, api::RemoveCommitted{}, Errc::Busy);
    discard(app_);
    run(app_, api::RemoveCommitted{});
}

TEST_P(ContractTest, AWrittenVolumeReplacesARemovedOnesState) {
    create(root_, origin());
    set_time(root_, at(0));
    publish(root_, "first", at(1));
    run(root_, api::RemoveCommitted{});
    publish(root_, "anew", at(5));
    EXPECT_EQ(read(root_), "anew");
    EXPECT_EQ(contents(root_), Texts{""});
}

}  // namespace
}  // namespace varve::contract
