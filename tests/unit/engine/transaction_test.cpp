// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/transaction.h"

#include "tests/unit/engine/world.h"

namespace varve::engine_test {
namespace {

class TransactionTest : public World {
protected:
    const VolumeRef root_ = origin("vm", "root");
};

TEST_F(TransactionTest, WithoutAChangeThereIsNoCommit) {
    const auto before = root_.view()->committed->id;
    const auto transaction = open(root_);
    EXPECT_TRUE(succeeded(transaction->flush(process(1))));
    EXPECT_TRUE(succeeded(transaction->released()));
    EXPECT_EQ(root_.view()->committed->id, before);
    EXPECT_TRUE(revisions(root_).empty());
}

TEST_F(TransactionTest, FlushCommitsAndKeepsTheOldState) {
    commit(root_, "old", 1000);
    const auto transaction = open(root_);
    ASSERT_TRUE(succeeded(write(*transaction, "new")));
    EXPECT_EQ(read(root_), "old");
    ASSERT_TRUE(succeeded(transaction->flush(process(1))));
    EXPECT_EQ(read(root_), "new");
    EXPECT_EQ(read(root_, revision("1970-01-01T00:16:40Z")), "old");
    EXPECT_TRUE(succeeded(transaction->released()));
    EXPECT_EQ(root_.view()->committed->size, mebibytes(1));
}

TEST_F(TransactionTest, LaterWritesAmendTheCommit) {
    const auto transaction = open(root_);
    ASSERT_TRUE(succeeded(write(*transaction, "one")));
    ASSERT_TRUE(succeeded(transaction->flush(process(1))));
    const auto kept = revisions(root_);
    ASSERT_EQ(kept.size(), 1U);
    ASSERT_TRUE(succeeded(write(*transaction, "two")));
    EXPECT_EQ(read(root_), "one");
    ASSERT_TRUE(succeeded(transaction->flush(process(1))));
    EXPECT_EQ(read(root_), "two");
    ASSERT_TRUE(succeeded(write(*transaction, "end")));
    EXPECT_TRUE(succeeded(transaction->released()));
    EXPECT_EQ(read(root_), "end");
    EXPECT_EQ(revisions(root_), kept);
}

// The kernel tells of a release after it has answered close(2); on a busy machine long after.
TEST_F(TransactionTest, WhatIsOpenedAfterACloseIsACommitOfItsOwnThoughTheReleaseIsLate) {
    const auto first = open(root_);
    ASSERT_TRUE(succeeded(write(*first, "first")));
    ASSERT_TRUE(succeeded(first->flush(process(1))));
    const auto second = open(root_);
    EXPECT_EQ(second, first) << "it joins, since somebody may still have the file open";
    ASSERT_TRUE(succeeded(write(*second, "second")));
    ASSERT_TRUE(succeeded(second->flush(process(1))));
    EXPECT_TRUE(succeeded(first->released()));
    EXPECT_TRUE(succeeded(second->released()));
    EXPECT_EQ(read(root_), "second");
    const auto kept = revisions(root_);
    ASSERT_EQ(kept.size(), 2U);
    EXPECT_TRUE(read(root_, revision(kept[0])) == "first" || read(root_, revision(kept[1])) == "first");
}

TEST_F(TransactionTest, SoIsWhatIsTruncatedAfterAClose) {
    const auto first = open(root_);
    ASSERT_TRUE(succeeded(write(*first, "first")));
    ASSERT_TRUE(succeeded(first->flush(process(1))));
    const auto second = open(root_, 1, true);
    EXPECT_EQ(second, first) << "it joins, since somebody may still have the file open";
    ASSERT_TRUE(succeeded(second->set_size(mebibytes(1))));
    ASSERT_TRUE(succeeded(write(*second, "second")));
    ASSERT_TRUE(succeeded(second->flush(process(1))));
    EXPECT_TRUE(succeeded(first->released()));
    EXPECT_TRUE(succeeded(second->released()));
    EXPECT_EQ(read(root_), "second");
    const auto kept = revisions(root_);
    ASSERT_EQ(kept.size(), 2U);
    EXPECT_TRUE(read(root_, revision(kept[0])) == "first" || read(root_, revision(kept[1])) == "first");
}

TEST_F(TransactionTest, ATruncationIsCommittedAtTheRelease) {
    commit(root_, "old", 1000);
    const auto transaction = open(root_, 1, true);
    ASSERT_TRUE(succeeded(transaction->flush(process(1))));
    EXPECT_EQ(read(root_), "old");
    EXPECT_TRUE(transaction->unsettled_since().has_value());
    EXPECT_TRUE(succeeded(transaction->released()));
    EXPECT_EQ(root_.view()->committed->size, base::Bytes{0});
    EXPECT_EQ(read(root_, revision("1970-01-01T00:16:40Z")), "old");
}

TEST_F(TransactionTest, AKilledWritersWorkIsDropped) {
    commit(root_, "old", 1000);
    const auto kept = revisions(root_);
    const auto transaction = open(root_, 7);
    ASSERT_TRUE(succeeded(write(*transaction, "half", 7)));
    processes_.kill(7);
    EXPECT_TRUE(succeeded(transaction->flush(process(7))));
    EXPECT_TRUE(succeeded(transaction->released()));
    EXPECT_EQ(read(root_), "old");
    EXPECT_EQ(revisions(root_), kept);
}

TEST_F(TransactionTest, TheDeathOfWhoWroteNothingDropsNothing) {
    const auto transaction = open(root_, 7);
    ASSERT_TRUE(succeeded(write(*transaction, "child", 8)));
    processes_.kill(7);
    EXPECT_TRUE(succeeded(transaction->flush(process(7))));
    EXPECT_TRUE(succeeded(transaction->released()));
    EXPECT_EQ(read(root_), "child");
}

TEST_F(TransactionTest, AKilledWriterLeavesWhatItTruncated) {
    commit(root_, "old", 1000);
    const auto transaction = open(root_, 7, true);
    processes_.kill(7);
    EXPECT_TRUE(succeeded(transaction->flush(process(7))));
    EXPECT_TRUE(succeeded(transaction->released()));
    EXPECT_EQ(read(root_), "old");
}

TEST_F(TransactionTest, AFailedWriteDropsTheTransaction) {
    commit(root_, "old", 1000);
    const auto transaction = open(root_);
    ASSERT_TRUE(succeeded(write(*transaction, "new")));
    constexpr std::uint64_t beyond_any_file = std::uint64_t{1} << 63;
    EXPECT_FALSE(write(*transaction, "x", 1, beyond_any_file).has_value());
    EXPECT_FALSE(write(*transaction, "more").has_value());
    EXPECT_FALSE(transaction->flush(process(1)).has_value());
    EXPECT_TRUE(succeeded(transaction->released()));
    EXPECT_EQ(read(root_), "old");
    EXPECT_TRUE(root_.vm->writes().files().empty());
}

TEST_F(TransactionTest, AnUnalignedSizeIsRefusedUntilSomebodyMakesItRight) {
    commit(root_, "old", 1000);
    const auto transaction = open(root_);
    ASSERT_TRUE(succeeded(write(*transaction, "new")));
    ASSERT_TRUE(succeeded(transaction->set_size(base::Bytes{1000})));
    EXPECT_TRUE(failed(transaction->flush(process(1)), Errc::InvalidArgument));
    EXPECT_EQ(read(root_), "old");
    ASSERT_TRUE(succeeded(transaction->set_size(base::Bytes{1024})));
    EXPECT_TRUE(succeeded(transaction->flush(process(1))));
    EXPECT_EQ(read(root_), "new");
    EXPECT_EQ(root_.view()->committed->size, base::Bytes{1024});
    EXPECT_TRUE(succeeded(transaction->released()));
}

TEST_F(TransactionTest, AnUnalignedSizeLeavesTheOldStateInTheEnd) {
    commit(root_, "old", 1000);
    const auto transaction = open(root_);
    ASSERT_TRUE(succeeded(transaction->set_size(base::Bytes{1000})));
    EXPECT_TRUE(failed(transaction->flush(process(1)), Errc::InvalidArgument));
    EXPECT_TRUE(transaction->unsettled_since().has_value()) << "a listing right after the close waits for the release that drops it";
    EXPECT_TRUE(failed(transaction->released(), Errc::InvalidArgument));
    EXPECT_EQ(read(root_), "old");
    EXPECT_TRUE(root_.vm->writes().files().empty());
}

TEST_F(TransactionTest, ASecondProgramIsRefusedAndTheSameJoins) {
    const auto transaction = open(root_, 1);
    EXPECT_TRUE(failed(writes_.open(root_, process(2), false), Errc::Busy));
    const auto joined = open(root_, 1);
    EXPECT_EQ(joined, transaction);
    ASSERT_TRUE(succeeded(write(*joined, "both")));
    EXPECT_TRUE(succeeded(transaction->released()));
    EXPECT_EQ(read(root_), "");
    EXPECT_TRUE(succeeded(joined->released()));
    EXPECT_EQ(read(root_), "both");
}

TEST_F(TransactionTest, ARunningVolumeCannotBeWritten) {
    ASSERT_TRUE(succeeded(volumes_.start(root_)));
    EXPECT_TRUE(failed(writes_.open(root_, process(1), false), Errc::Busy));
}

TEST_F(TransactionTest, ANewVolumeIsVisibleWhileItIsCreated) {
    const VolumeRef data{root_.vm, volume_name("data")};
    const auto made = writes_.create(data, {}, process(1));
    ASSERT_TRUE(succeeded(made));
    EXPECT_EQ(writes_.creating(*data.vm, "data.img"), *made);
    EXPECT_EQ(data.view(), nullptr);
    ASSERT_TRUE(succeeded((*made)->set_size(mebibytes(1))));
    ASSERT_TRUE(succeeded((*made)->flush(process(1))));
    EXPECT_NE(data.view(), nullptr);
    EXPECT_EQ(writes_.creating(*data.vm, "data.img"), nullptr) << "it has a state, which is what everyone sees";
    EXPECT_TRUE(succeeded((*made)->released()));
    EXPECT_EQ(writes_.creating(*data.vm, "data.img"), nullptr);
    EXPECT_TRUE(std::holds_alternative<api::Origin>(data.view()->config.kind));
}

TEST_F(TransactionTest, WhoCreatesTooLateDoesNotReplaceWhatIsThere) {
    commit(root_, "first", 1000);
    EXPECT_TRUE(failed(writes_.create(root_, {}, process(2)), Errc::Exists));
    EXPECT_TRUE(root_.vm->writes().files().empty());
}

TEST_F(TransactionTest, ARevisionIsRestored) {
    const VolumeRef lost{root_.vm, volume_name("lost")};
    const auto restored = writes_.create(lost, revision("2020-02-03T04:05:06Z"), process(1));
    ASSERT_TRUE(succeeded(restored));
    ASSERT_TRUE(succeeded((*restored)->set_size(mebibytes(1))));
    ASSERT_TRUE(succeeded(write(**restored, "saved")));
    ASSERT_TRUE(succeeded((*restored)->flush(process(1))));
    EXPECT_TRUE(failed(write(**restored, "more"), Errc::ReadOnly));
    EXPECT_TRUE(succeeded((*restored)->flush(process(1)))) << "what is restored stays so";
    EXPECT_TRUE(succeeded((*restored)->released()));
    ASSERT_NE(lost.view(), nullptr);
    EXPECT_FALSE(lost.view()->committed.has_value());
    EXPECT_EQ(read(lost, revision("2020-02-03T04:05:06Z")), "saved");
    EXPECT_TRUE(failed(writes_.create(lost, revision("2020-02-03T04:05:06Z"), process(1)), Errc::Exists));
}

TEST_F(TransactionTest, ATimeAloneMakesNoRevision) {
    const auto transaction = open(root_);
    ASSERT_TRUE(succeeded(transaction->set_time({1234, 5})));
    EXPECT_TRUE(succeeded(transaction->flush(process(1))));
    EXPECT_TRUE(succeeded(transaction->released()));
    EXPECT_EQ(root_.view()->committed->modified, (base::Timestamp{1234, 5}));
    EXPECT_TRUE(revisions(root_).empty());
}

TEST_F(TransactionTest, ATimeSetAfterTheWritesIsTheStates) {
    const auto transaction = open(root_);
    ASSERT_TRUE(succeeded(write(*transaction, "new")));
    ASSERT_TRUE(succeeded(transaction->set_time({1234, 5})));
    EXPECT_EQ(transaction->status()->st_mtim.tv_sec, 1234);
    EXPECT_TRUE(succeeded(transaction->flush(process(1))));
    EXPECT_EQ(root_.view()->committed->modified, (base::Timestamp{1234, 5}));
    ASSERT_TRUE(succeeded(transaction->set_time({2345, 6})));
    EXPECT_TRUE(succeeded(transaction->flush(process(1))));
    EXPECT_TRUE(succeeded(transaction->released()));
    EXPECT_EQ(root_.view()->committed->modified, (base::Timestamp{2345, 6}));
    EXPECT_EQ(read(root_), "new");
    EXPECT_EQ(revisions(root_).size(), 1U);
}

TEST_F(TransactionTest, ATimeSetBeforeTheWritesIsReplacedByTheirs) {
    const auto transaction = open(root_);
    ASSERT_TRUE(succeeded(transaction->set_time({1234, 5})));
    ASSERT_TRUE(succeeded(write(*transaction, "new")));
    EXPECT_TRUE(succeeded(transaction->flush(process(1))));
    EXPECT_TRUE(succeeded(transaction->released()));
    EXPECT_NE(root_.view()->committed->modified, (base::Timestamp{1234, 5}));
    EXPECT_EQ(read(root_), "new");
}

TEST_F(TransactionTest, ATimeSetAfterATruncationIsTheStates) {
    commit(root_, "old", 1000);
    const auto kept = revisions(root_).size();
    const auto transaction = open(root_, 1, true);
    ASSERT_TRUE(succeeded(transaction->set_time({1234, 5})));
    EXPECT_TRUE(succeeded(transaction->flush(process(1))));
    EXPECT_TRUE(succeeded(transaction->released()));
    EXPECT_EQ(root_.view()->committed->size, base::Bytes{0});
    EXPECT_EQ(root_.view()->committed->modified, (base::Timestamp{1234, 5}));
    EXPECT_EQ(revisions(root_).size(), kept + 1);
}

TEST_F(TransactionTest, ARefusedAllocationLosesNeitherWhatWasWrittenNorALaterTime) {
    constexpr int no_such_mode = 0x4000;
    const auto unwritten = open(root_);
    EXPECT_FALSE(unwritten->allocate(no_such_mode, {}, mebibytes(1)).has_value());
    ASSERT_TRUE(succeeded(unwritten->set_time({1234, 5})));
    EXPECT_TRUE(succeeded(unwritten->flush(process(1))));
    EXPECT_TRUE(succeeded(unwritten->released()));
    EXPECT_EQ(root_.view()->committed->modified, (base::Timestamp{1234, 5}));
    EXPECT_TRUE(revisions(root_).empty());

    const auto written = open(root_);
    ASSERT_TRUE(succeeded(write(*written, "new")));
    EXPECT_FALSE(written->allocate(no_such_mode, {}, mebibytes(1)).has_value());
    ASSERT_TRUE(succeeded(written->set_time({2345, 6})));
    EXPECT_FALSE(written->allocate(no_such_mode, {}, mebibytes(1)).has_value());
    EXPECT_TRUE(succeeded(written->flush(process(1))));
    EXPECT_TRUE(succeeded(written->released()));
    EXPECT_EQ(root_.view()->committed->modified, (base::Timestamp{2345, 6}));
    EXPECT_EQ(read(root_), "new");
}

TEST_F(TransactionTest, AThreadThatOpensAnotherVolumeLeavesNoneBusy) {
    const auto data = origin("vm", "data");
    ASSERT_TRUE(succeeded(writes_.open(root_, process(1), false)));  // announced, and never opened
    const auto second = open(data, 1);
    EXPECT_TRUE(succeeded(volumes_.start(root_)));
    EXPECT_TRUE(succeeded(second->released()));
}

TEST_F(TransactionTest, AnAnnouncedTransactionIsFoundByItsThreadAlone) {
    const auto opened = writes_.open(root_, process(1), false);
    ASSERT_TRUE(succeeded(opened));
    EXPECT_EQ(writes_.announced(*root_.vm, "root.img", 1), *opened);
    EXPECT_EQ(writes_.announced(*root_.vm, "root.img", 2), nullptr);
    EXPECT_EQ(writes_.announced(*root_.vm, "data.img", 1), nullptr);
    EXPECT_FALSE(writes_.open_announced(*opened, 2));
    EXPECT_TRUE(writes_.open_announced(*opened, 1));
    EXPECT_FALSE(writes_.open_announced(*opened, 1));
    EXPECT_EQ(writes_.announced(*root_.vm, "root.img", 1), nullptr);
    EXPECT_TRUE(succeeded((*opened)->released()));
}

class SmallPool : public World {
protected:
    SmallPool() : World(quick(), mebibytes(1)) {}
};

TEST_F(SmallPool, ACommitThatDoesNotFitKeepsTheOldState) {
    const auto root = origin("vm", "root");
    commit(root, "old", 1000);
    const auto transaction = open(root, 1, true);
    ASSERT_TRUE(succeeded(write(*transaction, std::string(2 << 20, 'x'))));
    EXPECT_TRUE(failed(transaction->flush(process(1)), Errc::NoSpace));
    EXPECT_TRUE(succeeded(transaction->released()));
    EXPECT_EQ(read(root), "old");
}

}  // namespace
}  // namespace varve::engine_test
