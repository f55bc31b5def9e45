// SPDX-License-Identifier: LGPL-2.1-or-later
// Names, order and numbers of revisions, labels, and what pruning removes.
#include "tests/contract/contract_test.h"

#include <algorithm>
#include <limits>

namespace varve::contract {
namespace {

using base::Errc;
using Texts = std::vector<std::string>;

TEST_P(ContractTest, RevisionsAreNamedByTheirStatesTime) {
    create(root_, origin());
    set_time(root_, {at(5).seconds, 987'654'321});
    publish(root_, "second", at(9));
    ASSERT_EQ(revisions(root_), Texts{"2020-01-01T00:00:05Z"});
    EXPECT_EQ(found(root_, revision_at(5)).state.modified, (base::Timestamp{at(5).seconds, 987'654'321}));
}

TEST_P(ContractTest, RevisionsAreListedOldestStateFirst) {
    create(root_, origin());
    set_time(root_, at(30));
    publish(root_, "b", at(10));
    publish(root_, "c", at(20));
    publish(root_, "d", at(40));
    EXPECT_EQ(revisions(root_), (Texts{"2020-01-01T00:00:10Z", "2020-01-01T00:00:20Z", "2020-01-01T00:00:30Z"}));
    EXPECT_EQ(contents(root_), (Texts{"b", "c", ""}));
}

TEST_P(ContractTest, ASecondStateOfTheSameSecondGetsANumber) {
    create(root_, origin());
    set_time(root_, at(1));
    for (const auto* text : {"b", "c", "d", "e"}) publish(root_, text, at(1));
    ASSERT_EQ(view(root_).revisions.size(), 4U);
    const auto& all = view(root_).revisions;
    EXPECT_EQ(contents(root_), (Texts{"", "b", "c", "d"}));
    EXPECT_EQ(all[0].id, revision_at(1));
    for (std::size_t i = 0; i < all.size(); ++i) {
        EXPECT_GE(all[i].number, 1U);
        if (i == 0) continue;
        EXPECT_GT(all[i].number, all[i - 1].number) << "numbers rise";
        EXPECT_EQ(all[i].id, base::RevisionId(base::TimedName{at(1).seconds, all[i].number}));
    }
}

TEST_P(ContractTest, EveryTimedRevisionIsFoundByItsFullName) {
    create(root_, origin());
    set_time(root_, at(1));
    for (const auto* text : {"b", "c"}) publish(root_, text, at(1));
    for (const auto& there : view(root_).revisions)
        EXPECT_EQ(found(root_, base::TimedName{at(1).seconds, there.number}).state.id, there.state.id);
    const auto full = base::RevisionId(base::TimedName{at(1).seconds, view(root_).revisions.front().number});
    run(root_, api::RemoveRevision{full});
    EXPECT_EQ(contents(root_), Texts{"b"});
}

TEST_P(ContractTest, TheFullNameHoldsWhenAnotherOfTheSameSecondGoes) {
    create(root_, origin());
    set_time(root_, at(1));
    for (const auto* text : {"b", "c"}) publish(root_, text, at(1));
    const auto second = view(root_).revisions[1];
    run(root_, api::RemoveRevision{revision_at(1)});
    EXPECT_EQ(found(root_, base::TimedName{at(1).seconds, second.number}).state.id, second.state.id);
    reopen();
    EXPECT_EQ(read(root_, base::RevisionId(base::TimedName{at(1).seconds, second.number})), "b");
}

TEST_P(ContractTest, SubsecondTimesOfOneSecondAreToldApart) {
    create(root_, origin());
    set_time(root_, {at(1).seconds, 100});
    publish(root_, "b", {at(1).seconds, 200});
    publish(root_, "c", at(2));
    ASSERT_EQ(view(root_).revisions.size(), 2U);
    EXPECT_EQ(contents(root_), (Texts{"", "b"}));
    EXPECT_EQ(view(root_).revisions[1].state.modified, (base::Timestamp{at(1).seconds, 200}));
}

TEST_P(ContractTest, WhatTheMountReplacedSaysWhen) {
    create(root_, origin());
    set_time(root_, at(1));
    clock_.set(at(5'000));
    publish(root_, "second", at(2));
    ASSERT_TRUE(found(root_, revision_at(1)).replaced);
    EXPECT_EQ(found(root_, revision_at(1)).replaced->seconds, at(5'000).seconds);
}

TEST_P(ContractTest, CommitsThroughTheMountDoNotPrune) {
    create(root_, origin());
    auto config = view(root_).config;
    config.revisions_to_keep = keep(1);
    run(root_, api::Configure{config});
    for (int i = 1; i <= 5; ++i) publish(root_, "x", at(i));
    EXPECT_EQ(view(root_).revisions.size(), 5U);
}

TEST_P(ContractTest, StopPrunesTheOldestStates) {
    create(root_, origin());
    set_time(root_, at(0));
    for (int i = 1; i <= 4; ++i) publish(root_, std::to_string(i), at(i));
    clock_.advance(10);
    session(root_, "5", at(5), retention(2));
    EXPECT_EQ(contents(root_), (Texts{"3", "4"}));
    session(root_, "6", at(6), retention(1));
    EXPECT_EQ(contents(root_), Texts{"5"});
    session(root_, "7", at(7), retention(0));
    EXPECT_EQ(contents(root_), Texts{});
}

TEST_P(ContractTest, DiscardDoesNotPrune) {
    create(root_, origin());
    for (int i = 1; i <= 3; ++i) publish(root_, std::to_string(i), at(i));
    start(root_);
    run(root_, api::Stop{api::Stop::Outcome::Discard, retention(0)});
    EXPECT_EQ(view(root_).revisions.size(), 3U);
}

TEST_P(ContractTest, PruneRemovesTheOldestAndLeavesTheRestAsItWas) {
    create(root_, origin());
    set_time(root_, at(0));
    for (int i = 1; i <= 4; ++i) publish(root_, std::to_string(i), at(i));
    const auto newest = found(root_, revision_at(3)).state.id;
    run(root_, api::Prune{retention(2)});
    EXPECT_EQ(contents(root_), (Texts{"2", "3"}));
    EXPECT_EQ(found(root_, revision_at(3)).state.id, newest);
    EXPECT_EQ(read(root_), "4");
    run(root_, api::Prune{retention(0)});
    EXPECT_TRUE(view(root_).revisions.empty());
    EXPECT_EQ(read(root_), "4");
}

TEST_P(ContractTest, PruneWithoutASnapshotLayerKeepsNone) {
    create(root_, origin());
    publish(root_, "b", at(1));
    run(root_, api::Prune{retention(-1)});
    EXPECT_TRUE(view(root_).revisions.empty());
}

TEST_P(ContractTest, PruningSparesWhatTheMountReplacedLately) {
    create(root_, origin());
    set_time(root_, at(0));
    clock_.set(at(10'000));
    publish(root_, "1", at(1));
    clock_.set(at(10'100));
    publish(root_, "2", at(2));
    clock_.set(at(10'160));
    run(root_, api::Prune{retention(0, 100)});
    EXPECT_EQ(contents(root_), Texts{"1"});
    clock_.set(at(10'300));
    run(root_, api::Prune{retention(0, 100)});
    EXPECT_EQ(contents(root_), Texts{});
}

TEST_P(ContractTest, TheGraceOutlivesARestart) {
    create(root_, origin());
    set_time(root_, at(0));
    publish(root_, "1", at(1));
    reboot();
    run(root_, api::Prune{retention(0, 100)});
    EXPECT_EQ(view(root_).revisions.size(), 1U);
}

TEST_P(ContractTest, WhatAStopReplacedHasNoGrace) {
    create(root_, origin());
    session(root_, "1", at(1));
    session(root_, "2", at(2));
    run(root_, api::Prune{retention(0, 1'000'000)});
    EXPECT_TRUE(view(root_).revisions.empty());
}

TEST_P(ContractTest, PruningSparesLabelsAndSourcesAndDoesNotCountThem) {
    create(root_, origin());
    set_time(root_, at(0));
    for (int i = 1; i <= 5; ++i) publish(root_, std::to_string(i), at(i));
    run(root_, api::RenameRevision{revision_at(4), label("pinned")});
    auto spare = retention(1);
    spare.sources.insert(revision_at(1));
    run(root_, api::Prune{spare});
    EXPECT_EQ(contents(root_), (Texts{"1", "3", "4"}));
}

TEST_P(ContractTest, PruningAVolatileVolumeDoesNothing) {
    create(app_, volatile_volume());
    run(app_, api::Prune{retention(0)});
    EXPECT_TRUE(exists(app_));
}

// ---- labels

TEST_P(ContractTest, ALabelKeepsTheCommittedState) {
    create(root_, origin());
    publish(root_, "first", at(1), api::Publish::AsAmendment{});
    run(root_, api::TakeSnapshot{label("before-upgrade")});
    ASSERT_EQ(revisions(root_), Texts{"before-upgrade"});
    const auto& there = found(root_, revision("before-upgrade"));
    EXPECT_NE(there.state.id, committed(root_).id);
    EXPECT_EQ(there.state.modified, at(1));
    EXPECT_EQ(there.state.size, committed(root_).size);
    EXPECT_EQ(there.number, 0U);
    publish(root_, "second", at(2), api::Publish::AsAmendment{});
    EXPECT_EQ(read(root_, revision("before-upgrade")), "first");
}

TEST_P(ContractTest, ALabelOfARunningVolumeIsTheStateFromBefore) {
    create(root_, origin());
    publish(root_, "first", at(1));
    start(root_);
    write_device(root_, "second");
    run(root_, api::TakeSnapshot{label("running")});
    EXPECT_EQ(read(root_, revision("running")), "first");
    EXPECT_TRUE(view(root_).session);
    stop(root_);
    EXPECT_EQ(read(root_), "second");
    EXPECT_EQ(read(root_, revision("running")), "first");
}

TEST_P(ContractTest, ALabelOutlivesResizeOfTheState) {
    create(root_, origin());
    publish(root_, "first", at(1), api::Publish::AsAmendment{});
    run(root_, api::TakeSnapshot{label("small")});
    run(root_, api::Resize{mebibytes(2)});
    EXPECT_EQ(found(root_, revision("small")).state.size, mebibytes(1));
    EXPECT_EQ(committed(root_).size, mebibytes(2));
    EXPECT_EQ(read(root_), "first");
}

TEST_P(ContractTest, LabelsClashOnlyWithTheSameName) {
    create(root_, origin());
    run(root_, api::TakeSnapshot{label("a")});
    refuse(root_, api::TakeSnapshot{label("a")}, Errc::Exists);
    run(root_, api::TakeSnapshot{label("A")});
    run(root_, api::TakeSnapshot{label("a.b")});
    EXPECT_EQ(view(root_).revisions.size(), 3U);
}

TEST_P(ContractTest, EveryLegalLabelCanBeUsed) {
    create(root_, origin());
    const Texts labels{"1",         "img",    "dirty", "import", "precache", "2018-01-02",         "2018-01-02T03:04:05",    "x.1",
                       "a-b_c:d.e", "1.2020", "tmp",   "root",   "varve",    std::string(64, 'L'), "12.2018-01-02T03:04:05Z"};
    for (const auto& text : labels) run(root_, api::TakeSnapshot{label(text)});
    reopen();
    auto names = revisions(root_);
    std::ranges::sort(names);
    auto expected = labels;
    std::ranges::sort(expected);
    EXPECT_EQ(names, expected);
}

TEST_P(ContractTest, ARemovedVolumeHasNothingToLabel) {
    create(root_, origin());
    publish(root_, "first", at(1));
    run(root_, api::RemoveCommitted{});
    refuse(root_, api::TakeSnapshot{label("late")}, Errc::NotFound);
}

TEST_P(ContractTest, VolumesWithoutAStateHaveNothingToLabel) {
    create(app_, volatile_volume());
    refuse(app_, api::TakeSnapshot{label("x")}, Errc::NotFound);
    const auto snapshot = path("work", "snapshot");
    create(snapshot, snapshot_of(root_));
    refuse(snapshot, api::TakeSnapshot{label("x")}, Errc::NotFound);
}

TEST_P(ContractTest, ATimedRevisionIsPinnedUnderALabel) {
    create(root_, origin());
    publish(root_, "first", at(1));
    publish(root_, "second", at(2));
    const auto before = found(root_, revision_at(1)).state;
    run(root_, api::RenameRevision{revision_at(1), label("pinned")});
    EXPECT_EQ(view(root_).revisions.find(revision_at(1)), nullptr);
    const auto& pinned = found(root_, revision("pinned"));
    EXPECT_EQ(pinned.state.id, before.id);
    EXPECT_EQ(pinned.state.modified, before.modified);
    EXPECT_EQ(pinned.number, 0U);
    EXPECT_EQ(read(root_, revision("pinned")), "first");
}

TEST_P(ContractTest, ALabelIsRenamed) {
    create(root_, origin());
    publish(root_, "first", at(1));
    run(root_, api::TakeSnapshot{label("old")});
    const auto id = found(root_, revision("old")).state.id;
    run(root_, api::RenameRevision{revision("old"), label("new")});
    EXPECT_EQ(view(root_).revisions.find(revision("old")), nullptr);
    EXPECT_EQ(found(root_, revision("new")).state.id, id);
}

TEST_P(ContractTest, RenamingARevisionReplacesNothing) {
    create(root_, origin());
    publish(root_, "first", at(1));
    run(root_, api::TakeSnapshot{label("a")});
    run(root_, api::TakeSnapshot{label("b")});
    refuse(root_, api::RenameRevision{revision("a"), label("b")}, Errc::Exists);
    refuse(root_, api::RenameRevision{revision("a"), label("a")}, Errc::Exists);
    refuse(root_, api::RenameRevision{revision("missing"), label("c")}, Errc::NotFound);
    refuse(root_, api::RenameRevision{revision_at(77), label("c")}, Errc::NotFound);
}

TEST_P(ContractTest, LabelsCanBeTakenAndRenamedWhileTheVmRuns) {
    create(root_, origin());
    set_time(root_, at(0));
    publish(root_, "first", at(1));
    start(root_);
    run(root_, api::RenameRevision{revision_at(0), label("zero")});
    run(root_, api::RemoveRevision{revision("zero")});
    EXPECT_TRUE(view(root_).revisions.empty());
    EXPECT_TRUE(view(root_).session);
}

TEST_P(ContractTest, LabelsAreSortedAmongTheOthersByTheirTime) {
    create(root_, origin());
    set_time(root_, at(10));
    publish(root_, "b", at(20));
    run(root_, api::TakeSnapshot{label("twenty")});
    publish(root_, "c", at(30), api::Publish::AsAmendment{});
    publish(root_, "d", at(40));
    EXPECT_EQ(revisions(root_), (Texts{"2020-01-01T00:00:10Z", "twenty", "2020-01-01T00:00:30Z"}));
}

// ---- times

TEST_P(ContractTest, TheTimeOfAStateCanBeSet) {
    create(root_, origin());
    const auto id = committed(root_).id;
    clock_.advance(10);
    set_time(root_, {at(77).seconds, 123'000'000});
    EXPECT_EQ(committed(root_).modified, (base::Timestamp{at(77).seconds, 123'000'000}));
    EXPECT_EQ(committed(root_).id, id);
    run(root_, api::TakeSnapshot{label("a")});
    run(root_, api::SetTime{revision("a"), at(5)});
    EXPECT_EQ(found(root_, revision("a")).state.modified, at(5));
    EXPECT_EQ(committed(root_).modified.seconds, at(77).seconds) << "a label's time is its own";
    refuse(root_, api::SetTime{revision("b"), at(5)}, Errc::NotFound);
}

TEST_P(ContractTest, TimesOutsideOrdinaryYearsAreKeptOrRefused) {
    create(root_, origin());
    for (const std::int64_t seconds : {std::int64_t{-1}, std::int64_t{0}, std::int64_t{1} << 31, std::int64_t{7258118400}}) {
        run(root_, api::SetTime{{}, {seconds, 0}});
        EXPECT_EQ(committed(root_).modified.seconds, seconds);
    }
}

TEST_P(ContractTest, ARestoredRevisionWithTheLastNumberStopsNothing) {
    create(root_, origin());
    set_time(root_, at(1));
    const base::RevisionId last = base::TimedName{at(1).seconds, std::numeric_limits<std::uint64_t>::max()};
    publish(root_, "hostile", at(1), api::Publish::AsRevision{last});
    publish(root_, "second", at(1));
    publish(root_, "third", at(2));
    EXPECT_EQ(view(root_).revisions.size(), 3U);
    auto texts = contents(root_);
    std::ranges::sort(texts);
    EXPECT_EQ(texts, (Texts{"", "hostile", "second"}));
    reopen();
    EXPECT_EQ(view(root_).revisions.size(), 3U);
}

}  // namespace
}  // namespace varve::contract
