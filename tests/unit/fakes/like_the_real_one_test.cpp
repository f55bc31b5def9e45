// SPDX-License-Identifier: LGPL-2.1-or-later
// The fake and the real file system answer alike: every test runs on both.
#include "drivers/kernel/posix_filesystem.h"
#include "tests/fakes/memory_filesystem.h"
#include "tests/fakes/stepping_clock.h"
#include "tests/support/loop_filesystem.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace varve::fakes {
namespace {

using base::Bytes;
using base::Errc;
using base::Result;
using kernel::FileSystem;
using Access = FileSystem::Access;
using Replace = FileSystem::Replace;

// A file system, and what keeps it.
class Ground {
public:
    virtual ~Ground() = default;
    virtual FileSystem& files() = 0;
    virtual std::string top() const = 0;
    virtual void plant_symlink(const std::string& name) = 0;
};

class MemoryGround final : public Ground {
public:
    FileSystem& files() override { return files_; }
    std::string top() const override { return "/top"; }
    void plant_symlink(const std::string& name) override { files_.plant_symlink(name); }

private:
    SteppingClock clock_{{1'000'000'000, 0}};
    MemoryFileSystem files_{"/top", clock_};
};

class XfsGround final : public Ground {
public:
    explicit XfsGround(test_support::LoopFileSystem loop) : loop_(std::move(loop)) {}
    FileSystem& files() override { return files_; }
    std::string top() const override { return loop_.path(); }
    void plant_symlink(const std::string& name) override { std::filesystem::create_symlink("/etc/hostname", loop_.path() / name); }

private:
    test_support::LoopFileSystem loop_;
    kernel::PosixFileSystem files_;
};

enum class Which { Memory, Xfs };

class FileSystemTest : public testing::TestWithParam<Which> {
protected:
    void SetUp() override {
        if (GetParam() == Which::Memory) {
            ground_ = std::make_unique<MemoryGround>();
        } else {
            if (::geteuid() != 0) GTEST_SKIP() << "mounting XFS on a loop device needs root";
            auto loop = test_support::LoopFileSystem::make(test_support::FileSystemType::Xfs, Bytes{300ULL << 20});
            ASSERT_TRUE(loop) << loop.error().message();
            ground_ = std::make_unique<XfsGround>(std::move(*loop));
        }
        auto top = files().open_top(ground_->top());
        ASSERT_TRUE(top) << top.error().message();
        top_ = std::move(*top);
    }

    FileSystem& files() { return ground_->files(); }
    int top() const { return top_.get(); }

    // The outcome in one word: what both must agree on.
    template <class T>
    static std::string outcome(const Result<T>& result) {
        return result ? "ok" : std::string(base::name_of(result.error().code));
    }
    static std::string refusal(Errc code) { return std::string(base::name_of(code)); }

    base::UniqueFd make(const std::string& name, std::string_view text = {}) {
        auto file = files().create_file(top(), name);
        EXPECT_EQ("ok", outcome(file));
        EXPECT_EQ("ok", outcome(files().write_all(file->get(), text)));
        return std::move(*file);
    }

    std::string content(const std::string& name) {
        const auto file = files().open_file(top(), name, Access::Read);
        return file ? files().read_all(file->get(), Bytes{1 << 20}).value_or("unreadable") : outcome(file);
    }

    std::vector<std::string> names() {
        std::vector<std::string> found;
        const auto entries = files().list(top());
        for (const auto& entry : entries.value()) found.push_back(entry.name);
        std::sort(found.begin(), found.end());
        return found;
    }

    std::unique_ptr<Ground> ground_;
    base::UniqueFd top_;
};

TEST_P(FileSystemTest, CreatesExclusively) {
    const auto file = make("a", "text");
    EXPECT_EQ("text", content("a"));
    EXPECT_EQ(refusal(Errc::Exists), outcome(files().create_file(top(), "a")));
    const auto status = files().status(file.get()).value();
    EXPECT_EQ(0600U, status.mode);
    EXPECT_EQ(1U, status.links);
    EXPECT_EQ(4U, status.size.count);
    EXPECT_EQ(kernel::FileType::Regular, status.type);
    EXPECT_EQ(status.inode, files().status(top(), "a")->inode);
}

TEST_P(FileSystemTest, RefusesWhatIsNoName) {
    for (const std::string name : {"", ".", "..", "a/b", "/a"}) {
        EXPECT_EQ(refusal(Errc::InvalidName), outcome(files().create_file(top(), name))) << name;
        EXPECT_EQ(refusal(Errc::InvalidName), outcome(files().status(top(), name))) << name;
    }
    const std::string longest(255, 'n');
    EXPECT_EQ("ok", outcome(files().create_file(top(), longest)));
    const auto too_long = files().create_file(top(), longest + "n");
    ASSERT_FALSE(too_long);
    EXPECT_EQ(ENAMETOOLONG, too_long.error().cause.value());
}

TEST_P(FileSystemTest, SaysWhatIsNotThere) {
    EXPECT_EQ(refusal(Errc::NotFound), outcome(files().open_file(top(), "a", Access::Read)));
    EXPECT_EQ(refusal(Errc::NotFound), outcome(files().open_directory(top(), "a")));
    EXPECT_EQ(refusal(Errc::NotFound), outcome(files().unlink(top(), "a")));
    EXPECT_EQ(refusal(Errc::NotFound), outcome(files().remove_directory(top(), "a")));
    EXPECT_EQ(refusal(Errc::NotFound), outcome(files().rename(top(), "a", top(), "b", Replace::Allow)));
    EXPECT_EQ(refusal(Errc::NotFound), outcome(files().link(top(), "a", top(), "b")));
    EXPECT_EQ(refusal(Errc::NotFound), outcome(files().status(top(), "a")));
    EXPECT_EQ(refusal(Errc::NotFound), outcome(files().open_top(ground_->top() + "/nowhere")));
}

TEST_P(FileSystemTest, NeverFollowsSymbolicLinks) {
    ground_->plant_symlink("planted");
    EXPECT_EQ(kernel::FileType::Symlink, files().status(top(), "planted")->type);
    const auto read = files().open_file(top(), "planted", Access::Read);
    const auto directory = files().open_directory(top(), "planted");
    ASSERT_FALSE(read);
    ASSERT_FALSE(directory);
    EXPECT_EQ(ELOOP, read.error().cause.value());
    EXPECT_EQ(ENOTDIR, directory.error().cause.value());
    EXPECT_EQ("ok", outcome(files().unlink(top(), "planted")));
}

TEST_P(FileSystemTest, KeepsDirectoriesAndFilesApart) {
    const auto file = make("file");
    ASSERT_EQ("ok", outcome(files().make_directory(top(), "directory")));
    EXPECT_EQ(refusal(Errc::Exists), outcome(files().make_directory(top(), "directory")));
    EXPECT_EQ(ENOTDIR, files().open_directory(top(), "file").error().cause.value());
    EXPECT_EQ(refusal(Errc::InvalidArgument), outcome(files().open_file(top(), "directory", Access::Read)));
    EXPECT_EQ(EISDIR, files().open_file(top(), "directory", Access::ReadWrite).error().cause.value());
    EXPECT_EQ(EISDIR, files().unlink(top(), "directory").error().cause.value());
    EXPECT_EQ(ENOTDIR, files().remove_directory(top(), "file").error().cause.value());
    EXPECT_EQ(EPERM, files().link(top(), "directory", top(), "other").error().cause.value());
    EXPECT_EQ(EISDIR, files().rename(top(), "file", top(), "directory", Replace::Allow).error().cause.value());
    EXPECT_EQ(ENOTDIR, files().rename(top(), "directory", top(), "file", Replace::Allow).error().cause.value());
    EXPECT_EQ((std::vector<std::string>{"directory", "file"}), names());
}

TEST_P(FileSystemTest, RemovesOnlyEmptyDirectories) {
    ASSERT_EQ("ok", outcome(files().make_directory(top(), "d")));
    ASSERT_EQ("ok", outcome(files().make_directory(top(), "e")));
    const auto directory = files().open_directory(top(), "d").value();
    ASSERT_EQ("ok", outcome(files().create_file(directory.get(), "inside")));
    EXPECT_EQ(refusal(Errc::NotEmpty), outcome(files().remove_directory(top(), "d")));
    EXPECT_FALSE(files().rename(top(), "e", top(), "d", Replace::Allow)) << "ENOTEMPTY or, on XFS, EEXIST";
    EXPECT_EQ("ok", outcome(files().unlink(directory.get(), "inside")));
    EXPECT_NE(0U, files().status(directory.get())->links);
    EXPECT_EQ("ok", outcome(files().remove_directory(top(), "d")));
    EXPECT_EQ(0U, files().status(directory.get())->links);
    EXPECT_EQ(refusal(Errc::NotFound), outcome(files().create_file(directory.get(), "later")));
}

TEST_P(FileSystemTest, RenamesOverOrNot) {
    make("a", "A");
    make("b", "B");
    EXPECT_EQ(refusal(Errc::Exists), outcome(files().rename(top(), "a", top(), "b", Replace::Never)));
    EXPECT_EQ("B", content("b"));
    EXPECT_EQ("ok", outcome(files().rename(top(), "a", top(), "b", Replace::Allow)));
    EXPECT_EQ("A", content("b"));
    EXPECT_EQ(std::vector<std::string>{"b"}, names());
    EXPECT_EQ("ok", outcome(files().rename(top(), "b", top(), "c", Replace::Never)));
    EXPECT_EQ("A", content("c"));
}

TEST_P(FileSystemTest, RenamingALinkOverAnotherDoesNothing) {
    const auto file = make("a", "A");
    ASSERT_EQ("ok", outcome(files().link(top(), "a", top(), "b")));
    EXPECT_EQ(2U, files().status(file.get())->links);
    EXPECT_EQ(refusal(Errc::Exists), outcome(files().link(top(), "a", top(), "b")));
    EXPECT_EQ("ok", outcome(files().rename(top(), "a", top(), "b", Replace::Allow)));
    EXPECT_EQ((std::vector<std::string>{"a", "b"}), names());
    EXPECT_EQ(refusal(Errc::Exists), outcome(files().rename(top(), "a", top(), "b", Replace::Never)));
    EXPECT_EQ("ok", outcome(files().unlink(top(), "a")));
    EXPECT_EQ(1U, files().status(file.get())->links);
    EXPECT_EQ("ok", outcome(files().unlink(top(), "b")));
    EXPECT_EQ(0U, files().status(file.get())->links);
    EXPECT_EQ("A", files().read_all(file.get(), Bytes{9}).value_or("")) << "an open file outlives its name";
}

TEST_P(FileSystemTest, ReadsUpToALimitAndWritesOn) {
    const auto file = make("a", "12345");
    EXPECT_EQ("ok", outcome(files().write_all(file.get(), "678")));
    EXPECT_EQ("12345678", files().read_all(file.get(), Bytes{8}).value_or(""));
    EXPECT_EQ(refusal(Errc::TooLarge), outcome(files().read_all(file.get(), Bytes{7})));
    EXPECT_EQ("ok", outcome(files().set_size(file.get(), Bytes{3})));
    EXPECT_EQ("123", content("a"));
    const auto read_only = files().open_file(top(), "a", Access::Read).value();
    EXPECT_FALSE(files().write_all(read_only.get(), "no"));
    EXPECT_FALSE(files().set_size(read_only.get(), Bytes{0}));
}

TEST_P(FileSystemTest, GivesIndependentDescriptors) {
    make("a", "12345");
    const auto one = files().open_file(top(), "a", Access::Read).value();
    const auto other = files().open_file(top(), "a", Access::ReadWrite).value();
    std::array<char, 3> buffer{};
    ASSERT_EQ(3, ::read(one.get(), buffer.data(), buffer.size()));
    EXPECT_EQ(0, ::lseek(other.get(), 0, SEEK_CUR));
    ASSERT_EQ(1, ::pwrite(other.get(), "X", 1, 0));
    EXPECT_EQ("X2345", files().read_all(one.get(), Bytes{9}).value_or(""));
    EXPECT_NE(0, ::fcntl(one.get(), F_GETFD) & FD_CLOEXEC);
}

TEST_P(FileSystemTest, KeepsTimesToTheNanosecond) {
    const auto file = make("a");
    const base::Timestamp time{1'234'567'890, 123'456'789};
    EXPECT_EQ("ok", outcome(files().set_modified(file.get(), time)));
    EXPECT_EQ(time, files().status(top(), "a")->modified);
    EXPECT_EQ("ok", outcome(files().write_all(file.get(), "x")));
    EXPECT_NE(time, files().status(top(), "a")->modified);
}

TEST_P(FileSystemTest, KeepsMarksWithTheInode) {
    const auto file = make("a", "A");
    EXPECT_EQ(std::nullopt, files().mark(file.get(), "key").value());
    EXPECT_EQ("ok", outcome(files().remove_mark(file.get(), "key")));
    EXPECT_EQ("ok", outcome(files().set_mark(file.get(), "key", "value")));
    EXPECT_EQ("ok", outcome(files().set_mark(file.get(), "key", "other")));
    ASSERT_EQ("ok", outcome(files().rename(top(), "a", top(), "b", Replace::Never)));
    const auto renamed = files().open_file(top(), "b", Access::Read).value();
    EXPECT_EQ("other", files().mark(renamed.get(), "key").value());
    const auto copy = make("copy");
    ASSERT_EQ("ok", outcome(files().clone(file.get(), copy.get())));
    EXPECT_EQ(std::nullopt, files().mark(copy.get(), "key").value());
    EXPECT_EQ("ok", outcome(files().remove_mark(file.get(), "key")));
    EXPECT_EQ(std::nullopt, files().mark(file.get(), "key").value());
}

TEST_P(FileSystemTest, ClonesWholeFiles) {
    const auto from = make("from", "the content");
    const auto to = make("to");
    EXPECT_EQ("ok", outcome(files().clone(from.get(), to.get())));
    EXPECT_EQ("the content", content("to"));
    ASSERT_EQ(1, ::pwrite(to.get(), "T", 1, 0));
    EXPECT_EQ("the content", content("from"));
    const auto longer = make("longer", std::string(20'000, 'l'));
    EXPECT_EQ(refusal(Errc::Unsupported), outcome(files().clone(from.get(), longer.get()))) << "its end lies within a block of the target";
    const auto block = make("block", std::string(4096, 'b'));
    EXPECT_EQ("ok", outcome(files().clone(block.get(), longer.get())));
    EXPECT_EQ(20'000U, files().status(longer.get())->size.count) << "FICLONE does not cut";
    EXPECT_EQ(refusal(Errc::Unsupported), outcome(files().clone(from.get(), files().open_file(top(), "to", Access::Read)->get())));
}

TEST_P(FileSystemTest, ClonesAlignedRanges) {
    const auto from = make("from", std::string(4096, 'a') + std::string(4096, 'b') + "end");
    const auto to = make("to");
    EXPECT_EQ(refusal(Errc::Unsupported), outcome(files().clone_range(from.get(), Bytes{1}, to.get(), Bytes{0}, Bytes{4096})));
    EXPECT_EQ(refusal(Errc::Unsupported), outcome(files().clone_range(from.get(), Bytes{0}, to.get(), Bytes{0}, Bytes{100})));
    EXPECT_EQ(refusal(Errc::Unsupported), outcome(files().clone_range(from.get(), Bytes{4096}, to.get(), Bytes{0}, Bytes{16384})));
    EXPECT_EQ("ok", outcome(files().clone_range(from.get(), Bytes{4096}, to.get(), Bytes{8192}, Bytes{4096})));
    EXPECT_EQ(std::string(8192, '\0') + std::string(4096, 'b'), content("to"));
    EXPECT_EQ("ok", outcome(files().clone_range(from.get(), Bytes{8192}, to.get(), Bytes{12288}, Bytes{0})));
    EXPECT_EQ(std::string(8192, '\0') + std::string(4096, 'b') + "end", content("to"));
}

TEST_P(FileSystemTest, CopiesSparsely) {
    const auto from = make("from", "start");
    ASSERT_EQ("ok", outcome(files().set_size(from.get(), Bytes{8ULL << 20})));
    ASSERT_EQ(3, ::pwrite(from.get(), "end", 3, (8 << 20) - 3));
    const auto to = make("to");
    EXPECT_EQ("ok", outcome(files().copy_sparse(from.get(), to.get())));
    const auto status = files().status(to.get()).value();
    EXPECT_EQ(8ULL << 20, status.size.count);
    EXPECT_LT(status.allocated.count, 1U << 20);
    std::array<char, 3> end{};
    ASSERT_EQ(3, ::pread(to.get(), end.data(), end.size(), (8 << 20) - 3));
    EXPECT_EQ("end", std::string(end.data(), end.size()));
}

INSTANTIATE_TEST_SUITE_P(Grounds, FileSystemTest, testing::Values(Which::Memory, Which::Xfs),
                         [](const auto& info) { return info.param == Which::Memory ? "memory" : "xfs"; });

}  // namespace
}  // namespace varve::fakes
