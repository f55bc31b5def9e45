// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/posix_filesystem.h"
#include "drivers/kernel/boot_id.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

namespace varve::kernel {
namespace {

using base::Bytes;
using base::Errc;
using Access = FileSystem::Access;
using Replace = FileSystem::Replace;

class PosixFileSystemTest : public testing::Test {
protected:
    void SetUp() override {
        auto pattern = (std::filesystem::temp_directory_path() / "varve-kernel-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        path_ = pattern;
        top_ = files_.open_top(pattern).value();
    }
    void TearDown() override { std::filesystem::remove_all(path_); }

    void make(const std::string& name, std::string_view content = "") {
        const auto file = files_.create_file(top(), name).value();
        ASSERT_TRUE(files_.write_all(file.get(), content));
    }
    std::string content(const std::string& name) {
        const auto file = files_.open_file(top(), name, Access::Read).value();
        return files_.read_all(file.get(), Bytes{1 << 20}).value();
    }
    [[nodiscard]] int top() const { return top_.get(); }

    PosixFileSystem files_;
    std::filesystem::path path_;
    base::UniqueFd top_;
};

TEST_F(PosixFileSystemTest, NamesAreSingleComponents) {
    for (const std::string name : {"", ".", "..", "a/b", "/etc"}) {
        EXPECT_EQ(files_.open_file(top(), name, Access::Read).error().code, Errc::InvalidName) << name;
        EXPECT_EQ(files_.create_file(top(), name).error().code, Errc::InvalidName);
        EXPECT_EQ(files_.unlink(top(), name).error().code, Errc::InvalidName);
        EXPECT_EQ(files_.status(top(), name).error().code, Errc::InvalidName);
    }
    EXPECT_EQ(files_.create_file(top(), std::string(300, 'x')).error().code, Errc::InvalidName);
}

TEST_F(PosixFileSystemTest, PlantedLinksAreNeverFollowed) {
    make("target", "secret");
    std::filesystem::create_symlink("target", path_ / "link");
    std::filesystem::create_directory_symlink("/", path_ / "root");
    EXPECT_FALSE(files_.open_file(top(), "link", Access::Read));
    EXPECT_FALSE(files_.open_file(top(), "link", Access::ReadWrite));
    EXPECT_FALSE(files_.open_directory(top(), "root"));
    EXPECT_EQ(files_.create_file(top(), "link").error().code, Errc::Exists);
    EXPECT_FALSE(files_.open_for_writing(top(), "link"));
    EXPECT_EQ(files_.status(top(), "link").value().type, FileType::Symlink);
    ASSERT_TRUE(files_.unlink(top(), "link"));
    EXPECT_EQ(content("target"), "secret");
}

TEST_F(PosixFileSystemTest, OnlyRegularFilesAreOpenedAndAFifoDoesNotBlock) {
    ASSERT_EQ(::mkfifo((path_ / "fifo").c_str(), 0600), 0);
    ASSERT_TRUE(files_.make_directory(top(), "directory"));
    EXPECT_FALSE(files_.open_file(top(), "fifo", Access::Read));
    EXPECT_FALSE(files_.open_file(top(), "fifo", Access::ReadWrite));
    EXPECT_FALSE(files_.open_file(top(), "directory", Access::Read));
}

TEST_F(PosixFileSystemTest, DescriptorsAreCloseOnExec) {
    make("file");
    for (const auto& file :
         {files_.open_file(top(), "file", Access::Read).value().release(), files_.create_file(top(), "new").value().release()}) {
        EXPECT_NE(::fcntl(file, F_GETFD) & FD_CLOEXEC, 0);
        (void)::close(file);
    }
    EXPECT_NE(::fcntl(top(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(PosixFileSystemTest, RenameReplacesOnlyWhenAllowed) {
    make("a", "a");
    make("b", "b");
    EXPECT_EQ(files_.rename(top(), "a", top(), "b", Replace::Never).error().code, Errc::Exists);
    EXPECT_EQ(content("b"), "b");
    ASSERT_TRUE(files_.rename(top(), "a", top(), "b", Replace::Allow));
    EXPECT_EQ(content("b"), "a");
    EXPECT_EQ(files_.rename(top(), "a", top(), "c", Replace::Allow).error().code, Errc::NotFound);
}

TEST_F(PosixFileSystemTest, ListsWithTypesAndAgain) {
    make("file");
    ASSERT_TRUE(files_.make_directory(top(), "directory"));
    std::filesystem::create_symlink("file", path_ / "link");
    for (int round = 0; round < 2; ++round) {
        const auto entries = files_.list(top()).value();
        ASSERT_EQ(entries.size(), 3U);
        const std::map<std::string, FileType> due{{"file", FileType::Regular},
                                                  {"directory", FileType::Directory},
                                                  {"link", FileType::Symlink}};
        for (const auto& entry : entries) EXPECT_EQ(entry.type, due.at(entry.name)) << entry.name;
    }
}

TEST_F(PosixFileSystemTest, LinksShareTheInode) {
    make("a");
    ASSERT_TRUE(files_.link(top(), "a", top(), "b"));
    EXPECT_EQ(files_.status(top(), "a").value().inode, files_.status(top(), "b").value().inode);
    EXPECT_EQ(files_.status(top(), "a").value().links, 2U);
    EXPECT_EQ(files_.link(top(), "a", top(), "b").error().code, Errc::Exists);
}

TEST_F(PosixFileSystemTest, ReadingStopsAtTheLimit) {
    make("file", std::string(100, 'x'));
    const auto file = files_.open_file(top(), "file", Access::Read).value();
    EXPECT_EQ(files_.read_all(file.get(), Bytes{99}).error().code, Errc::TooLarge);
    EXPECT_EQ(files_.read_all(file.get(), Bytes{100}).value().size(), 100U);
}

TEST_F(PosixFileSystemTest, SizesBeyondTheLargestAreTooLarge) {
    make("file");
    const auto file = files_.open_file(top(), "file", Access::ReadWrite).value();
    EXPECT_EQ(files_.set_size(file.get(), Bytes{std::uint64_t{1} << 63}).error().code, Errc::TooLarge);
    ASSERT_TRUE(files_.set_size(file.get(), Bytes{512}));
    EXPECT_EQ(files_.status(file.get()).value().size, Bytes{512});
}

TEST_F(PosixFileSystemTest, TellsWhetherSomebodyWrites) {
    make("file");
    EXPECT_FALSE(files_.open_for_writing(top(), "file").value());
    {
        const auto reader = files_.open_file(top(), "file", Access::Read).value();
        EXPECT_FALSE(files_.open_for_writing(top(), "file").value());
        const auto writer = files_.open_file(top(), "file", Access::ReadWrite).value();
        EXPECT_TRUE(files_.open_for_writing(top(), "file").value());
    }
    EXPECT_FALSE(files_.open_for_writing(top(), "file").value());
}

TEST_F(PosixFileSystemTest, SparseCopiesKeepHolesDataAndSize) {
    constexpr off_t far = off_t{64} << 20;
    make("from", "begin");
    const auto from = files_.open_file(top(), "from", Access::ReadWrite).value();
    ASSERT_EQ(::pwrite(from.get(), "end", 3, far), 3);
    ASSERT_TRUE(files_.set_size(from.get(), Bytes{std::uint64_t{100} << 20}));
    const auto to = files_.create_file(top(), "to").value();
    ASSERT_TRUE(files_.copy_sparse(from.get(), to.get()));
    const auto status = files_.status(to.get()).value();
    EXPECT_EQ(status.size, Bytes{std::uint64_t{100} << 20});
    EXPECT_LT(status.allocated, Bytes{1 << 20});
    std::string text(5, '?');
    ASSERT_EQ(::pread(to.get(), text.data(), 5, 0), 5);
    EXPECT_EQ(text, "begin");
    ASSERT_EQ(::pread(to.get(), text.data(), 3, far), 3);
    EXPECT_EQ(text.substr(0, 3), "end");
}

TEST_F(PosixFileSystemTest, TimesAreKeptToTheNanosecond) {
    make("file");
    const auto file = files_.open_file(top(), "file", Access::Read).value();
    for (const base::Timestamp time : {base::Timestamp{1, 123'456'789}, base::Timestamp{1600000000, 0}}) {
        ASSERT_TRUE(files_.set_modified(file.get(), time));
        EXPECT_EQ(files_.status(file.get()).value().modified, time);
    }
}

TEST_F(PosixFileSystemTest, WhatIsTakenIsThisProcesssAlone) {
    make("file");
    const auto file = files_.open_file(top(), "file", Access::Read).value();
    ASSERT_EQ(::fchown(file.get(), 4711, 4712), 0);
    ASSERT_EQ(::fchmod(file.get(), 04777), 0);
    ASSERT_TRUE(files_.take_ownership(file.get()));
    const auto now = files_.status(file.get()).value();
    EXPECT_EQ(now.uid, ::geteuid());
    EXPECT_EQ(now.gid, ::getegid());
    EXPECT_EQ(now.mode, 0600U);
}

TEST_F(PosixFileSystemTest, MarksStayWithTheInode) {
    make("file");
    const auto file = files_.open_file(top(), "file", Access::Read).value();
    EXPECT_EQ(files_.mark(file.get(), "changed").value(), std::nullopt);
    EXPECT_TRUE(files_.remove_mark(file.get(), "changed"));
    if (const auto set = files_.set_mark(file.get(), "changed", "1"); !set) {
        ASSERT_EQ(set.error().code, Errc::Unsupported);
        GTEST_SKIP() << "the file system of " << path_ << " has no user attributes";
    }
    ASSERT_TRUE(files_.rename(top(), "file", top(), "other", Replace::Never));
    EXPECT_EQ(files_.mark(file.get(), "changed").value(), "1");
    ASSERT_TRUE(files_.remove_mark(file.get(), "changed"));
    EXPECT_EQ(files_.mark(file.get(), "changed").value(), std::nullopt);
}

TEST_F(PosixFileSystemTest, ClonesOrSaysThatItCannot) {
    make("from", std::string(65536, 'v'));
    const auto from = files_.open_file(top(), "from", Access::Read).value();
    const auto to = files_.create_file(top(), "to").value();
    const auto cloned = files_.clone(from.get(), to.get());
    if (cloned) {
        EXPECT_EQ(content("to"), content("from"));
    } else {
        EXPECT_EQ(cloned.error().code, Errc::Unsupported);
    }
    EXPECT_EQ(files_.clone(from.get(), from.get()).error().code, Errc::Unsupported) << "to is not open for writing";
}

TEST(BootId, IsThisBoots) {
    const auto id = read_boot_id().value();
    EXPECT_EQ(id.text.size(), 36U);
    EXPECT_EQ(read_boot_id().value(), id);
}

}  // namespace
}  // namespace varve::kernel
