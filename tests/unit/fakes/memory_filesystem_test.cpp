// SPDX-License-Identifier: LGPL-2.1-or-later
// What only the fake has: durability, crashes and faults.
#include "tests/fakes/memory_filesystem.h"
#include "tests/fakes/stepping_clock.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <limits>
#include <string>

namespace varve::fakes {
namespace {

using base::Bytes;
using Access = kernel::FileSystem::Access;
using Replace = kernel::FileSystem::Replace;

constexpr auto everything = std::numeric_limits<std::size_t>::max();

class MemoryFileSystemTest : public testing::Test {
protected:
    MemoryFileSystemTest() : top_(files_.open_top("/top").value()) {}

    int top() const { return top_.get(); }

    base::UniqueFd make(const std::string& name, std::string_view text) {
        auto file = files_.create_file(top(), name).value();
        EXPECT_TRUE(files_.write_all(file.get(), text));
        return file;
    }

    std::unique_ptr<MemoryFileSystem> crash(std::size_t transactions, bool data = false) {
        return files_.boot(files_.disk_after({.transactions = transactions, .data = data}), clock_);
    }

    // The content of a file after a crash, or "none".
    static std::string content(const MemoryFileSystem& files, const std::string& path) {
        const auto file = files.open_beside(path);
        return file ? files.read_all(file->get(), Bytes{1 << 20}).value() : "none";
    }

    SteppingClock clock_{{1'000'000'000, 0}};
    MemoryFileSystem files_{"/top", clock_};
    base::UniqueFd top_;
};

TEST_F(MemoryFileSystemTest, UnsyncedNamesAreLostFromTheEnd) {
    make("a", "A");
    make("b", "B");
    EXPECT_EQ(2U, files_.pending_transactions());
    EXPECT_EQ("none", content(*crash(0), "a"));
    EXPECT_EQ("", content(*crash(1), "a"));
    EXPECT_EQ("none", content(*crash(1), "b"));
    EXPECT_EQ("", content(*crash(2), "b"));
    EXPECT_EQ("B", content(*crash(2, true), "b"));
}

TEST_F(MemoryFileSystemTest, DataComesBackAsOfItsSync) {
    const auto file = make("a", "old");
    ASSERT_TRUE(files_.sync_data(file.get()));
    ASSERT_TRUE(files_.sync(top()));
    EXPECT_EQ(0U, files_.pending_transactions());
    ASSERT_TRUE(files_.write_all(file.get(), " new"));
    EXPECT_EQ("old", content(*crash(0), "a"));
    EXPECT_EQ("old new", content(*crash(0, true), "a"));
}

TEST_F(MemoryFileSystemTest, ARenameMayOutliveTheDataItRenamed) {
    const auto old = make("image", "old");
    ASSERT_TRUE(files_.sync_data(old.get()));
    ASSERT_TRUE(files_.sync(top()));
    make("temporary", "new");
    ASSERT_TRUE(files_.rename(top(), "temporary", top(), "image", Replace::Allow));
    EXPECT_EQ("old", content(*crash(1), "image"));
    EXPECT_EQ("", content(*crash(2), "image"));
    EXPECT_EQ("none", content(*crash(2), "temporary"));
}

TEST_F(MemoryFileSystemTest, SyncOfADirectoryTakesWhatItDependsOnAndNoMore) {
    ASSERT_TRUE(files_.make_directory(top(), "one"));
    ASSERT_TRUE(files_.make_directory(top(), "two"));
    ASSERT_TRUE(files_.sync(top()));
    const auto one = files_.open_directory(top(), "one").value();
    const auto two = files_.open_directory(top(), "two").value();
    const auto file = files_.create_file(one.get(), "a").value();
    ASSERT_TRUE(files_.rename(one.get(), "a", two.get(), "b", Replace::Never));
    make("beside", "");
    ASSERT_TRUE(files_.sync(two.get()));
    EXPECT_EQ(1U, files_.pending_transactions());
    const auto after = crash(0);
    EXPECT_EQ("none", content(*after, "one/a"));
    EXPECT_EQ("", content(*after, "two/b"));
    EXPECT_EQ("none", content(*after, "beside"));
}

TEST_F(MemoryFileSystemTest, MarksAndTimesNeedASync) {
    const auto file = make("a", "A");
    ASSERT_TRUE(files_.sync(file.get()));
    ASSERT_TRUE(files_.sync(top()));
    ASSERT_TRUE(files_.set_mark(file.get(), "key", "value"));
    ASSERT_TRUE(files_.set_modified(file.get(), {5, 6}));
    const auto mark = [](const MemoryFileSystem& files) {
        return files.mark(files.open_beside("a")->get(), "key").value().value_or("none");
    };
    const auto time = [](const MemoryFileSystem& files) { return files.status(files.open_beside("a")->get())->modified; };
    EXPECT_EQ("none", mark(*crash(0)));
    EXPECT_EQ("value", mark(*crash(1)));
    EXPECT_NE((base::Timestamp{5, 6}), time(*crash(1)));
    EXPECT_EQ((base::Timestamp{5, 6}), time(*crash(2)));
    ASSERT_TRUE(files_.sync_data(file.get()));
    EXPECT_EQ("none", mark(*crash(0))) << "fdatasync is about data";
    ASSERT_TRUE(files_.sync(top()));
    EXPECT_EQ("value", mark(*crash(0))) << "a directory's sync takes the marks of what it names";
    EXPECT_NE((base::Timestamp{5, 6}), time(*crash(0)));
    ASSERT_TRUE(files_.sync(file.get()));
    EXPECT_EQ((base::Timestamp{5, 6}), time(*crash(0)));
}

TEST_F(MemoryFileSystemTest, ABootKeepsInodesLinksAndContent) {
    const auto file = make("a", "A");
    ASSERT_TRUE(files_.link(top(), "a", top(), "b"));
    ASSERT_TRUE(files_.set_modified(file.get(), {7, 8}));
    const auto before = files_.status(file.get()).value();
    const auto after = crash(everything, true);
    const auto status = after->status(after->open_beside("b")->get()).value();
    EXPECT_EQ(before.inode, status.inode);
    EXPECT_EQ(2U, status.links);
    EXPECT_EQ(before.modified, status.modified);
    EXPECT_EQ(before.mode, status.mode);
    EXPECT_EQ(files_.disk_after({.transactions = everything, .data = true}).digest(), after->disk_after({.transactions = 0}).digest());
    EXPECT_NE(files_.disk_after({.transactions = 0, .data = true}).digest(), after->disk_after({.transactions = 0}).digest());
}

TEST_F(MemoryFileSystemTest, DiesBeforeOrAfterACall) {
    for (const auto moment : {Faults::Moment::Before, Faults::Moment::After}) {
        const auto own = files_.copy(clock_);
        const auto directory = own->open_top("/top").value();
        own->faults().die_at(2, moment);
        EXPECT_TRUE(own->create_file(directory.get(), "first"));
        EXPECT_FALSE(own->create_file(directory.get(), "second"));
        EXPECT_TRUE(own->faults().dead());
        EXPECT_FALSE(own->create_file(directory.get(), "third"));
        EXPECT_FALSE(own->sync(directory.get()));
        EXPECT_EQ(moment == Faults::Moment::Before ? 1U : 2U, own->pending_transactions());
    }
}

TEST_F(MemoryFileSystemTest, FailsOneCallOrRunsOutOfSpace) {
    files_.faults().fail_at(2, EIO);
    const auto file = files_.create_file(top(), "a").value();
    EXPECT_FALSE(files_.write_all(file.get(), "A"));
    EXPECT_EQ(Effect::TakesSpace, files_.faults().failed());
    EXPECT_EQ("", content(files_, "a"));
    files_.faults().fail_from(1, ENOSPC);
    const auto refused = files_.create_file(top(), "b");
    ASSERT_FALSE(refused);
    EXPECT_EQ(base::Errc::NoSpace, refused.error().code);
    EXPECT_TRUE(files_.unlink(top(), "a"));
    EXPECT_FALSE(files_.create_file(top(), "b"));
}

TEST_F(MemoryFileSystemTest, CountsCalls) {
    files_.faults().count();
    make("a", "A");
    (void)files_.list(top()).value();  // counted only
    EXPECT_EQ(3U, files_.faults().calls());
    files_.faults().count(Faults::Calls::Changing);
    (void)files_.list(top()).value();
    EXPECT_EQ(0U, files_.faults().calls());
    EXPECT_TRUE(files_.unlink(top(), "a"));
    EXPECT_EQ(1U, files_.faults().calls());
}

TEST_F(MemoryFileSystemTest, CanBeAPlainerFileSystem) {
    const auto from = make("from", "A");
    const auto to = make("to", "");
    files_.set_reflinks(false);
    files_.set_marks(false);
    EXPECT_EQ(base::Errc::Unsupported, files_.clone(from.get(), to.get()).error().code);
    EXPECT_TRUE(files_.copy_sparse(from.get(), to.get()));
    EXPECT_EQ("A", content(files_, "to"));
    EXPECT_EQ(base::Errc::Unsupported, files_.set_mark(from.get(), "key", "value").error().code);
    EXPECT_EQ(std::nullopt, files_.mark(from.get(), "key").value());
}

TEST_F(MemoryFileSystemTest, SaysWhoWrites) {
    make("a", "A");
    EXPECT_FALSE(files_.open_for_writing(top(), "a").value());
    files_.hold_open_for_writing("a", true);
    EXPECT_TRUE(files_.open_for_writing(top(), "a").value());
    EXPECT_FALSE(crash(everything)->open_for_writing(crash(everything)->open_top("/top")->get(), "a").value_or(false));
}

}  // namespace
}  // namespace varve::fakes
