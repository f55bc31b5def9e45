// SPDX-License-Identifier: LGPL-2.1-or-later
// What stat, lseek, mmap, O_DIRECT and statfs say, and what backup tools rely on: numbers and times that stay.
#include "tests/mount/posix/one_volume.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>

namespace varve::test_support {
namespace {

class AttributesTest : public OneVolumeTest {
protected:
    // Names the field that differs in a failure.
    [[nodiscard]] std::map<std::string, std::string> pictures(const Path& directory) const {
        std::map<std::string, std::string> all;
        for (const auto& name : list_directory(directory)) {
            const auto status = stat_of(directory / name);
            all[name] = "ino " + std::to_string(status.st_ino) + " ctime " + std::to_string(status.st_ctim.tv_sec) + "." +
                        std::to_string(status.st_ctim.tv_nsec) + " mtime " + std::to_string(status.st_mtim.tv_sec) + "." +
                        std::to_string(status.st_mtim.tv_nsec) + " size " + std::to_string(status.st_size) + " blocks " +
                        std::to_string(status.st_blocks) + " mode " + std::to_string(status.st_mode);
        }
        return all;
    }
    [[nodiscard]] static std::pair<std::int64_t, std::int64_t> changed(const Path& path) {
        const auto status = stat_of(path);
        return {status.st_ctim.tv_sec, status.st_ctim.tv_nsec};
    }
};

TEST_F(AttributesTest, EveryPathHasItsOwnNumberAndOneLink) {
    ASSERT_EQ(write_file(data(), new_content_), ok);
    ASSERT_EQ(link_file(data(), at("data.img@golden")), ok);
    ASSERT_EQ(touch_new(at("second.img")), ok);
    ASSERT_EQ(symlink_to("../" + vm() + "/data.img", at("link.img")), ok);
    std::set<ino_t> numbers;
    for (const auto& name : names()) {
        EXPECT_TRUE(numbers.insert(stat_of(at(name)).st_ino).second) << name;
        EXPECT_EQ(stat_of(at(name)).st_nlink, 1U) << name;
    }
    for (const auto& directory : {mount(), mount() / "pools", pool(), vm_path(), mount() / "vms", mount() / "vms" / vm()})
        EXPECT_TRUE(numbers.insert(stat_of(directory).st_ino).second) << directory;
    EXPECT_EQ(stat_of(data()).st_dev, stat_of(mount()).st_dev);
}

TEST_F(AttributesTest, NumbersAndTimesAreStableOverARemount) {
    ASSERT_EQ(write_file(data(), new_content_), ok);
    ASSERT_EQ(link_file(data(), at("data.img@golden")), ok);
    ASSERT_EQ(touch_new(at("second.img")), ok);
    ASSERT_EQ(write_file(at("back.img@2010-01-02T03:04:05Z"), new_content_), ok);
    ASSERT_EQ(symlink_to("../" + vm() + "/data.img", at("link.img")), ok);
    ASSERT_EQ(send_command(vm_path() / ".varve" / "ctl", "create volatile volatile 1G").error, ok);
    must("data", "start");
    guest_write("data", 0, old_content_);
    must("data", "stop");
    const auto before = pictures(vm_path());
    const auto directories = pictures(pool());
    const auto views = pictures(mount() / "vms" / vm());
    ASSERT_TRUE(daemon().restart());
    EXPECT_EQ(pictures(vm_path()), before);
    EXPECT_EQ(pictures(pool()).at(vm()), directories.at(vm()));
    EXPECT_EQ(pictures(mount() / "vms" / vm()), views);
    daemon().kill();
    ASSERT_TRUE(daemon().start());
    EXPECT_EQ(pictures(vm_path()), before) << "after kill -9 too";
}

TEST_F(AttributesTest, ReadingChangesNothing) {
    ASSERT_EQ(write_file(data(), new_content_), ok);
    const auto before = pictures(vm_path());
    EXPECT_EQ(read_file(data()), new_content_);
    EXPECT_EQ(read_file(data_old()), old_content_);
    ASSERT_EQ(open_and_close(data(), O_RDWR), ok);
    EXPECT_EQ(pictures(vm_path()), before);
}

TEST_F(AttributesTest, ACommitChangesThePathsChangeTimeAndNotItsNumber) {
    const auto before = stat_of(data());
    ASSERT_EQ(make_state(data(), new_content_, first_time), ok);  // the same size and time: only st_ctime can tell
    EXPECT_NE(changed(data()), std::pair(before.st_ctim.tv_sec, before.st_ctim.tv_nsec));
    EXPECT_EQ(stat_of(data()).st_ino, before.st_ino);
    const auto committed = changed(data());
    ASSERT_EQ(write_file(data(), new_content_), ok);
    EXPECT_NE(changed(data()), committed);
}

TEST_F(AttributesTest, ARevertChangesItToo) {
    ASSERT_EQ(write_file(data(), new_content_), ok);
    const auto before = stat_of(data());
    ASSERT_EQ(rename_path(data_old(), data()), ok);
    const auto after = stat_of(data());
    EXPECT_EQ(after.st_ino, before.st_ino);
    EXPECT_NE(changed(data()), std::pair(before.st_ctim.tv_sec, before.st_ctim.tv_nsec));
    EXPECT_GE(std::pair(after.st_ctim.tv_sec, after.st_ctim.tv_nsec), std::pair(before.st_ctim.tv_sec, before.st_ctim.tv_nsec));
}

TEST_F(AttributesTest, AStopThatCommitsChangesIt) {
    const auto before = changed(data());
    must("data", "start");
    EXPECT_EQ(changed(data()), before);
    guest_write("data", 0, "x");
    must("data", "stop");
    EXPECT_NE(changed(data()), before);
    const auto after = changed(data());
    must("data", "start");
    must("data", "stop");
    EXPECT_EQ(changed(data()), after) << "nothing was written";
}

TEST_F(AttributesTest, UtimensKeepsNanosecondsOverARemount) {
    constexpr timespec when{1'234'567'890, 987'654'321};
    ASSERT_EQ(set_times(data(), when), ok);
    for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(stat_of(data()).st_mtim.tv_sec, when.tv_sec);
        EXPECT_EQ(stat_of(data()).st_mtim.tv_nsec, when.tv_nsec);
        ASSERT_TRUE(daemon().restart());
    }
    EXPECT_EQ(names(), Names{"data.img"}) << "a time is no new state";
    ASSERT_EQ(write_file(data(), new_content_), ok);
    EXPECT_TRUE(present(at("data.img@2009-02-13T23:31:30Z"))) << "and it names the revision";
}

TEST_F(AttributesTest, UtimensOnARunningVolumeIsBusy) {
    must("data", "start");
    EXPECT_REFUSED(EBUSY, set_times(data(), {1'234'567'890, 0}));
    must("data", "discard");
}

TEST_F(AttributesTest, BlocksCountWhatIsAllocated) {
    constexpr off_t size = 64 << 20;
    {
        OpenFile file(at("sparse.img"), O_CREAT | O_WRONLY);
        ASSERT_EQ(file.truncate(size), ok);
        ASSERT_EQ(file.write_at(size / 2, old_content_), ok);
        ASSERT_EQ(file.close(), ok);
    }
    const auto status = stat_of(at("sparse.img"));
    EXPECT_EQ(status.st_size, size);
    EXPECT_GE(status.st_blocks * 512, static_cast<off_t>(volume_size));
    EXPECT_LT(status.st_blocks * 512, 1 << 20);
    EXPECT_GT(status.st_blksize, 0);
}

TEST_F(AttributesTest, HolesAreFound) {
    constexpr off_t size = 64 << 20;
    {
        OpenFile file(at("sparse.img"), O_CREAT | O_WRONLY);
        ASSERT_EQ(file.truncate(size), ok);
        ASSERT_EQ(file.write_at(size / 2, old_content_), ok);
        ASSERT_EQ(file.close(), ok);
    }
    OpenFile file(at("sparse.img"), O_RDONLY);
    EXPECT_EQ(::lseek(file.fd(), 0, SEEK_HOLE), 0);
    EXPECT_EQ(::lseek(file.fd(), 0, SEEK_DATA), size / 2);
    EXPECT_EQ(::lseek(file.fd(), size / 2, SEEK_HOLE), size / 2 + static_cast<off_t>(volume_size));
    EXPECT_EQ(::lseek(file.fd(), size - 512, SEEK_DATA), -1);
    EXPECT_EQ(Errno{errno}, Errno{ENXIO});
    EXPECT_EQ(::lseek(file.fd(), 0, SEEK_END), size);
}

TEST_F(AttributesTest, HolesArePunchedAndSpaceReservedInATransaction) {
    OpenFile file(data(), O_RDWR);
    ASSERT_EQ(::fallocate(file.fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 32768), 0) << Errno{errno};
    ASSERT_EQ(::fallocate(file.fd(), 0, 0, 2 * volume_size), 0) << Errno{errno};
    ASSERT_EQ(file.close(), ok);
    expect_one_commit(std::string(32768, '\0') + old_content_.substr(32768) + std::string(volume_size, '\0'));
}

TEST_F(AttributesTest, DirectReads) {
    OpenFile file(data(), O_RDONLY | O_DIRECT);
    ASSERT_EQ(file.opened(), ok);
    const std::unique_ptr<void, decltype(&std::free)> buffer(std::aligned_alloc(4096, volume_size), &std::free);
    ASSERT_EQ(::pread(file.fd(), buffer.get(), volume_size, 0), static_cast<ssize_t>(volume_size)) << Errno{errno};
    EXPECT_EQ(std::memcmp(buffer.get(), old_content_.data(), volume_size), 0);
}

TEST_F(AttributesTest, DirectWrites) {
    const std::unique_ptr<void, decltype(&std::free)> buffer(std::aligned_alloc(4096, volume_size), &std::free);
    std::memcpy(buffer.get(), new_content_.data(), volume_size);
    OpenFile file(data(), O_RDWR | O_DIRECT);
    ASSERT_EQ(::pwrite(file.fd(), buffer.get(), volume_size, 0), static_cast<ssize_t>(volume_size)) << Errno{errno};
    ASSERT_EQ(file.close(), ok);
    expect_one_commit(new_content_);
}

TEST_F(AttributesTest, MappedReads) {
    OpenFile file(data(), O_RDONLY);
    auto* const mapped = ::mmap(nullptr, volume_size, PROT_READ, MAP_SHARED, file.fd(), 0);
    ASSERT_NE(mapped, MAP_FAILED) << Errno{errno};
    EXPECT_EQ(std::memcmp(mapped, old_content_.data(), volume_size), 0);
    ASSERT_EQ(write_file(data(), new_content_), ok);
    EXPECT_EQ(std::memcmp(mapped, old_content_.data(), volume_size), 0) << "a mapping keeps its state, as an open file does";
    EXPECT_EQ(::munmap(mapped, volume_size), 0);
    EXPECT_EQ(read_file(data()), new_content_);
}

TEST_F(AttributesTest, StatfsTellsThePoolsSpace) {
    struct statvfs here {};
    struct statvfs below {};
    ASSERT_EQ(::statvfs(data().c_str(), &here), 0) << Errno{errno};
    ASSERT_EQ(::statvfs(backing(vm()).c_str(), &below), 0) << Errno{errno};
    EXPECT_EQ(here.f_blocks * here.f_frsize, below.f_blocks * below.f_frsize);
    const auto free_here = here.f_bavail * here.f_frsize;
    const auto free_below = below.f_bavail * below.f_frsize;
    EXPECT_LT(free_here > free_below ? free_here - free_below : free_below - free_here, 64U << 20);
    EXPECT_EQ(here.f_namemax, 255U);
    ASSERT_EQ(::statvfs(mount().c_str(), &here), 0);
    EXPECT_GT(here.f_blocks, 0U);
}

TEST_F(AttributesTest, VolatileFilesAreEmptyWithTheirSizeInTheControlTree) {
    ASSERT_EQ(vm_command("create volatile volatile 12G").error, ok);
    EXPECT_TRUE(S_ISREG(stat_of(at("volatile.img")).st_mode));
    EXPECT_EQ(stat_of(at("volatile.img")).st_size, 0);
    EXPECT_EQ(read_file(at("volatile.img")), "");
    EXPECT_EQ(value("volatile", "size"), std::to_string(12ULL << 30));
    // A copied tree may open and truncate it again, but it keeps nothing.
    EXPECT_EQ(open_and_close(at("volatile.img"), O_WRONLY | O_TRUNC), ok);
    OpenFile file(at("volatile.img"), O_WRONLY);
    EXPECT_REFUSED(EINVAL, file.write_at(0, old_content_));
}

TEST_F(AttributesTest, ManyNamesAreListedOnceEach) {
    constexpr int count = 300;
    Names expected;
    for (int i = 0; i < count; ++i) {
        std::array<char, 32> name{};
        (void)std::snprintf(name.data(), name.size(), "v%04d.img", i);  // always fits
        ASSERT_EQ(touch_new(at(name.data())), ok);
        expected.emplace_back(name.data());
    }
    expected.insert(expected.begin(), "data.img");
    EXPECT_EQ(names(), expected);
}

}  // namespace
}  // namespace varve::test_support
