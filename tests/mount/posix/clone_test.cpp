// SPDX-License-Identifier: LGPL-2.1-or-later
// copy_file_range inside one pool shares the data.
#include "tests/mount/posix/one_volume.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>

namespace varve::test_support {
namespace {

class CloneTest : public OneVolumeTest {
protected:
    // All of `from`; the errno of the first call that fails.
    [[nodiscard]] static Errno copy_range(const OpenFile& from, const OpenFile& to, off_t offset, off_t to_offset, std::size_t count) {
        while (count > 0) {
            const auto copied = ::copy_file_range(from.fd(), &offset, to.fd(), &to_offset, count, 0);
            if (copied < 0) return Errno{errno};
            if (copied == 0) return ok;
            count -= static_cast<std::size_t>(copied);
        }
        return ok;
    }

    [[nodiscard]] std::uint64_t free_bytes() const {
        const base::UniqueFd directory(::open(stage().backing().c_str(), O_RDONLY | O_DIRECTORY));
        EXPECT_EQ(::syncfs(directory.get()), 0);
        struct statvfs space {};
        EXPECT_EQ(::fstatvfs(directory.get(), &space), 0);
        return space.f_bfree * space.f_frsize;
    }
};

TEST_F(CloneTest, AWholeVolumeIsSharedNotCopied) {
    constexpr std::size_t size = 48 << 20;
    const auto content = pattern('l', size);
    ASSERT_EQ(write_file(at("large.img"), content), ok);
    const auto before = free_bytes();
    {
        OpenFile from(at("large.img"), O_RDONLY);
        OpenFile to(at("clone.img"), O_CREAT | O_EXCL | O_WRONLY);
        ASSERT_EQ(copy_range(from, to, 0, 0, size), ok);
        ASSERT_EQ(to.close(), ok);
    }
    EXPECT_LT(before - std::min(before, free_bytes()), 8U << 20) << "a clone takes no space";
    EXPECT_EQ(read_file(at("clone.img")), content);
    EXPECT_EQ(value("clone", "kind"), "origin");
    ASSERT_EQ(write_file(at("large.img"), old_content_), ok);
    EXPECT_EQ(read_file(at("clone.img")), content) << "and is independent";
}

TEST_F(CloneTest, OverAnExistingVolumeTheOldStateIsKept) {
    ASSERT_EQ(write_file(at("second.img"), new_content_), ok);
    OpenFile from(at("second.img"), O_RDONLY);
    OpenFile to(data(), O_WRONLY | O_TRUNC);
    ASSERT_EQ(copy_range(from, to, 0, 0, volume_size), ok);
    ASSERT_EQ(to.close(), ok);
    EXPECT_EQ(read_file(data()), new_content_);
    EXPECT_EQ(read_file(data_old()), old_content_);
}

TEST_F(CloneTest, FromARevisionIntoAnotherVm) {
    ASSERT_EQ(write_file(data(), new_content_), ok);
    const auto other = another_vm();
    OpenFile from(data_old(), O_RDONLY);
    OpenFile to(pool() / other / "copy.img", O_CREAT | O_WRONLY);
    ASSERT_EQ(copy_range(from, to, 0, 0, volume_size), ok);
    ASSERT_EQ(to.close(), ok);
    EXPECT_EQ(read_file(pool() / other / "copy.img"), old_content_);
}

TEST_F(CloneTest, IntoAScratchFile) {
    OpenFile from(data(), O_RDONLY);
    OpenFile to(at(".x"), O_CREAT | O_WRONLY);
    ASSERT_EQ(copy_range(from, to, 0, 0, volume_size), ok);
    ASSERT_EQ(to.close(), ok);
    ASSERT_EQ(rename_path(at(".x"), at("copy.img")), ok);
    EXPECT_EQ(read_file(at("copy.img")), old_content_);
}

TEST_F(CloneTest, UnalignedRangesAreCopiedRight) {
    // Not possible as a clone: the kernel copies after EOPNOTSUPP.
    OpenFile from(data(), O_RDONLY);
    OpenFile to(at("copy.img"), O_CREAT | O_RDWR);
    ASSERT_EQ(copy_range(from, to, 100, 0, 5020), ok);
    ASSERT_EQ(to.truncate(5120), ok);
    ASSERT_EQ(to.close(), ok);
    EXPECT_EQ(read_file(at("copy.img")), old_content_.substr(100, 5020) + std::string(100, '\0'));
}

TEST_F(CloneTest, AcrossPoolsTheContentIsCopied) {
    const auto other = another_vm("other");
    OpenFile from(data(), O_RDONLY);
    OpenFile to(pool("other") / other / "copy.img", O_CREAT | O_WRONLY);
    ASSERT_EQ(copy_range(from, to, 0, 0, volume_size), ok);
    ASSERT_EQ(to.close(), ok);
    EXPECT_EQ(read_file(pool("other") / other / "copy.img"), old_content_);
}

TEST_F(CloneTest, ItKeepsWorkingAfterARefusal) {
    OpenFile from(data(), O_RDONLY);
    {
        OpenFile to(at("odd.img"), O_CREAT | O_WRONLY);
        ASSERT_EQ(copy_range(from, to, 1, 0, 512), ok);
        ASSERT_EQ(to.close(), ok);
    }
    constexpr std::size_t size = 48 << 20;
    ASSERT_EQ(write_file(at("large.img"), pattern('l', size)), ok);
    const auto before = free_bytes();
    OpenFile large(at("large.img"), O_RDONLY);
    OpenFile to(at("clone.img"), O_CREAT | O_WRONLY);
    ASSERT_EQ(copy_range(large, to, 0, 0, size), ok);
    ASSERT_EQ(to.close(), ok);
    EXPECT_LT(before - std::min(before, free_bytes()), 8U << 20) << "one refusal must not turn cloning off";
}

}  // namespace
}  // namespace varve::test_support
