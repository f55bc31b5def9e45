// SPDX-License-Identifier: LGPL-2.1-or-later
// Open for writing, write, close: one transaction.
#include "tests/mount/posix/one_volume.h"

#include <fcntl.h>

#include <algorithm>
#include <chrono>

namespace varve::test_support {
namespace {

class TransactionTest : public OneVolumeTest {};

TEST_F(TransactionTest, OverwritingWithTruncationKeepsTheOldState) {
    ASSERT_EQ(write_file(data(), new_content_), ok);
    expect_one_commit(new_content_);
}

TEST_F(TransactionTest, PartialOverwriteInPlaceKeepsTheRest) {
    OpenFile file(data(), O_RDWR);
    ASSERT_EQ(file.opened(), ok);
    EXPECT_EQ(file.read_at(0, volume_size), old_content_);
    ASSERT_EQ(file.write_at(5000, "changed"), ok);
    EXPECT_EQ(file.read_at(4998, 11), old_content_.substr(4998, 2) + "changed" + old_content_.substr(5007, 2))
        << "the writer sees what it wrote";
    ASSERT_EQ(file.close(), ok);
    auto expected = old_content_;
    expected.replace(5000, 7, "changed");
    expect_one_commit(expected);
}

TEST_F(TransactionTest, WriteOnlyInPlaceWorksToo) {
    OpenFile file(data(), O_WRONLY);
    ASSERT_EQ(file.write_at(0, new_content_.substr(0, 4096)), ok);
    ASSERT_EQ(file.close(), ok);
    expect_one_commit(new_content_.substr(0, 4096) + old_content_.substr(4096));
}

TEST_F(TransactionTest, AppendGrowsTheVolume) {
    OpenFile file(data(), O_WRONLY | O_APPEND);
    ASSERT_EQ(::write(file.fd(), new_content_.data(), 512), 512);
    ASSERT_EQ(file.close(), ok);
    expect_one_commit(old_content_ + new_content_.substr(0, 512));
}

TEST_F(TransactionTest, WritingPastTheEndLeavesAHole) {
    OpenFile file(data(), O_WRONLY);
    ASSERT_EQ(file.write_at(static_cast<off_t>(2 * volume_size), new_content_.substr(0, 512)), ok);
    ASSERT_EQ(file.close(), ok);
    expect_one_commit(old_content_ + std::string(volume_size, '\0') + new_content_.substr(0, 512));
}

TEST_F(TransactionTest, TruncationAloneIsAChange) {
    ASSERT_EQ(open_and_close(data(), O_WRONLY | O_TRUNC), ok);
    expect_one_commit("");
}

TEST_F(TransactionTest, ShrinkingInATransactionKeepsTheOldState) {
    OpenFile file(data(), O_RDWR);
    ASSERT_EQ(file.truncate(4096), ok);
    ASSERT_EQ(file.close(), ok);
    expect_one_commit(old_content_.substr(0, 4096));
}

TEST_F(TransactionTest, NoChangeIsNoCommit) {
    for (const int flags : {O_RDWR, O_WRONLY, O_WRONLY | O_APPEND}) {
        ASSERT_EQ(open_and_close(data(), flags), ok);
        expect_nothing_committed();
    }
}

TEST_F(TransactionTest, TwoTransactionsMakeTwoRevisions) {
    constexpr std::int64_t second_time = first_time + 60;
    ASSERT_EQ(make_state(data(), new_content_, second_time), ok);
    ASSERT_EQ(write_file(data(), pattern('c', volume_size)), ok);
    EXPECT_EQ(names(), (Names{"data.img", data_old().filename(), revision("data", second_time).filename()}));
    EXPECT_EQ(read_file(data_old()), old_content_);
    EXPECT_EQ(read_file(revision("data", second_time)), new_content_);
    EXPECT_EQ(read_file(data()), pattern('c', volume_size));
}

TEST_F(TransactionTest, StatesOfOneSecondStayApart) {
    ASSERT_EQ(make_state(data(), new_content_, first_time), ok);
    ASSERT_EQ(make_state(data(), pattern('c', volume_size), first_time), ok);
    const auto all = names();
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0], "data.img");
    EXPECT_EQ(all[1].substr(0, 29), data_old().filename());
    EXPECT_EQ(all[2].substr(0, 29), data_old().filename());
    Names contents{read_file(at(all[1])), read_file(at(all[2]))};
    std::ranges::sort(contents);
    EXPECT_EQ(contents, (Names{old_content_, new_content_}));
    ASSERT_TRUE(daemon().restart());
    EXPECT_EQ(names(), all) << "the numbers are stored";
}

TEST_F(TransactionTest, OddSizeIsRefusedAtCloseAndTheOldStateStays) {
    for (const off_t size : {off_t{1}, off_t{511}, off_t{513}, static_cast<off_t>(volume_size + 1)}) {
        SCOPED_TRACE(size);
        EXPECT_REFUSED(EINVAL, ([&] {
                           OpenFile file(data(), O_WRONLY);
                           EXPECT_EQ(file.truncate(size), ok);
                           return file.close();
                       }()));
        EXPECT_REFUSED(EINVAL, write_file(data(), pattern('x', static_cast<std::size_t>(size))));
        expect_nothing_committed();
    }
}

TEST_F(TransactionTest, OddSizeBetweenIsFineWhenTheEndIsWhole) {
    OpenFile file(data(), O_WRONLY | O_TRUNC);
    ASSERT_EQ(file.write_at(0, "odd"), ok);
    ASSERT_EQ(file.write_at(3, new_content_.substr(3, 1021)), ok);
    ASSERT_EQ(file.close(), ok);
    expect_one_commit("odd" + new_content_.substr(3, 1021));
}

TEST_F(TransactionTest, ReadersSeeTheCommittedStateUntilTheClose) {
    OpenFile file(data(), O_WRONLY);
    ASSERT_EQ(file.write_at(0, new_content_), ok);
    EXPECT_EQ(bystander().read(data()), old_content_);
    EXPECT_EQ(value("data", "state"), "writing");
    ASSERT_EQ(file.close(), ok);
    expect_one_commit(new_content_);
}

TEST_F(TransactionTest, ReadersSeeTheCommittedStateWhileItIsTruncatedToo) {
    OpenFile file(data(), O_WRONLY | O_TRUNC);
    ASSERT_EQ(file.opened(), ok);
    EXPECT_EQ(bystander().read(data()), old_content_);
    ASSERT_EQ(file.write_at(0, new_content_), ok);
    EXPECT_EQ(bystander().read(data()), old_content_);
    ASSERT_EQ(file.close(), ok);
    expect_one_commit(new_content_);
}

TEST_F(TransactionTest, FsyncDoesNotCommit) {
    OpenFile file(data(), O_WRONLY);
    ASSERT_EQ(file.write_at(0, new_content_), ok);
    ASSERT_EQ(file.sync(), ok);
    EXPECT_EQ(bystander().read(data()), old_content_);
    ASSERT_EQ(file.close(), ok);
    expect_one_commit(new_content_);
}

TEST_F(TransactionTest, OpenHandlesKeepTheirState) {
    OpenFile reader(data(), O_RDONLY);
    ASSERT_EQ(reader.read_at(0, 4096), old_content_.substr(0, 4096));
    ASSERT_EQ(write_file(data(), new_content_.substr(0, 4096)), ok);
    EXPECT_EQ(reader.read_at(0, volume_size), old_content_);
    EXPECT_EQ(reader.status().st_size, static_cast<off_t>(volume_size));
    EXPECT_EQ(read_file(data()), new_content_.substr(0, 4096)) << "a new open sees the new state at once";
    EXPECT_EQ(stat_of(data()).st_size, 4096);
    ASSERT_EQ(rename_path(data_old(), data()), ok);
    EXPECT_EQ(reader.read_at(0, volume_size), old_content_);
    ASSERT_EQ(remove_file(data()), ok);
    EXPECT_EQ(reader.read_at(0, volume_size), old_content_) << "also after the removal of what it shows";
}

TEST_F(TransactionTest, ASecondWriterIsBusy) {
    OpenFile file(data(), O_WRONLY);
    ASSERT_EQ(file.write_at(0, new_content_), ok);
    for (const int flags : {O_WRONLY, O_RDWR, O_WRONLY | O_TRUNC}) {
        SCOPED_TRACE(flags);
        EXPECT_REFUSED(EBUSY, bystander().open_and_close(data(), flags));
    }
    ASSERT_EQ(file.close(), ok);
    expect_one_commit(new_content_);
    EXPECT_EQ(bystander().write_file(data(), pattern('c', volume_size)), ok);
    EXPECT_EQ(read_file(data()), pattern('c', volume_size));
}

TEST_F(TransactionTest, WritingWhileTheVmRunsIsBusy) {
    must("data", "start");
    for (const int flags : {O_WRONLY, O_RDWR, O_WRONLY | O_TRUNC, O_WRONLY | O_APPEND}) {
        SCOPED_TRACE(flags);
        EXPECT_REFUSED(EBUSY, open_and_close(data(), flags));
    }
    guest_write("data", 0, new_content_);
    EXPECT_EQ(read_file(data()), old_content_) << "reading gives the state from before the start";
    must("data", "stop");
    expect_one_commit(new_content_);
}

TEST_F(TransactionTest, StartWaitsAndThenRefusesWhileAWriterIsOpen) {
    OpenFile file(data(), O_WRONLY);
    ASSERT_EQ(file.write_at(0, new_content_), ok);
    EXPECT_REFUSED(EBUSY, command("data", "start").error);
    ASSERT_EQ(file.close(), ok);
    must("data", "start");
    must("data", "discard");
    expect_one_commit(new_content_);
}

TEST_F(TransactionTest, TimesSetOnTheTransactionAreTheStatesTime) {
    constexpr timespec when{1'400'000'000, 123'456'789};
    OpenFile file(data(), O_WRONLY | O_TRUNC);
    ASSERT_EQ(file.write_at(0, new_content_), ok);
    ASSERT_EQ(file.set_times(when), ok);
    ASSERT_EQ(file.close(), ok);
    EXPECT_EQ(stat_of(data()).st_mtim.tv_sec, when.tv_sec);
    EXPECT_EQ(stat_of(data()).st_mtim.tv_nsec, when.tv_nsec);
    expect_one_commit(new_content_);
}

TEST_F(TransactionTest, WithoutThemTheStatesTimeIsItsLastWrite) {
    const auto before = ::time(nullptr);
    ASSERT_EQ(write_file(data(), new_content_), ok);
    EXPECT_GE(stat_of(data()).st_mtim.tv_sec, before - 1);
    EXPECT_LE(stat_of(data()).st_mtim.tv_sec, ::time(nullptr) + 1);
}

TEST_F(TransactionTest, CreationIsATransactionToo) {
    EXPECT_EQ(touch_new(at("empty.img")), ok);
    EXPECT_EQ(stat_of(at("empty.img")).st_size, 0);
    EXPECT_TRUE(S_ISREG(stat_of(at("empty.img")).st_mode));
    {
        OpenFile file(at("new.img"), O_CREAT | O_EXCL | O_RDWR);
        ASSERT_EQ(file.opened(), ok);
        ASSERT_EQ(file.write_at(0, new_content_), ok);
        EXPECT_EQ(file.read_at(0, volume_size), new_content_);
        ASSERT_EQ(file.close(), ok);
    }
    EXPECT_EQ(read_file(at("new.img")), new_content_);
    {
        OpenFile file(at("sized.img"), O_CREAT | O_WRONLY);
        ASSERT_EQ(file.truncate(10LL << 30), ok);
        ASSERT_EQ(file.close(), ok);
    }
    EXPECT_EQ(stat_of(at("sized.img")).st_size, 10LL << 30);
    EXPECT_EQ(stat_of(at("sized.img")).st_blocks, 0);
    EXPECT_EQ(names(), (Names{"data.img", "empty.img", "new.img", "sized.img"})) << "no revision of what was not there";
    EXPECT_EQ(value("empty", "kind"), "origin");
    EXPECT_REFUSED_BY_KERNEL(EEXIST, touch_new(at("new.img")));
    EXPECT_REFUSED(EINVAL, command("empty", "start").error);
}

TEST_F(TransactionTest, CreationOfAnOddSizeLeavesNothing) {
    for (const off_t size : {off_t{1}, off_t{511}, off_t{1025}}) {
        EXPECT_REFUSED(EINVAL, write_file(at("odd.img"), pattern('x', static_cast<std::size_t>(size))));
        EXPECT_EQ(names(), Names{"data.img"});
    }
}

}  // namespace
}  // namespace varve::test_support
