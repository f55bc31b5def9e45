// SPDX-License-Identifier: LGPL-2.1-or-later
// A disk that is read is one that nobody writes to; and when somebody has, it is seen.
#include "orchestrator/domain_adoption/open_disk.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <fstream>

namespace varve::domain_adoption::testing {
namespace {

using base::Errc;
using base::UniqueFd;

// Bytes of a file by QEMU's block/file-posix.c: RAW_LOCK_PERM_BASE and RAW_LOCK_SHARED_BASE, and the bits of consistent read, write and resize.
constexpr off_t reads = 100;
constexpr off_t writes = 101;
constexpr off_t resizes = 103;
constexpr off_t nobody_may_write = 201;
constexpr off_t nobody_may_resize = 203;

struct flock lock_of(short type, off_t byte) {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = byte;
    lock.l_len = 1;
    return lock;
}

class OpenDiskTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = ::testing::TempDir() + "varve-disk-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
        write("disk.raw", std::string(4096, 'a'));
        make_old("disk.raw");
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    [[nodiscard]] std::filesystem::path file(const std::string& name) const { return directory_ / name; }
    void write(const std::string& name, const std::string& content) const { std::ofstream(file(name), std::ios::binary) << content; }
    // What is written next has another time, however coarse the clock is.
    void make_old(const std::string& name) const {
        const std::array<timespec, 2> times{timespec{1'000'000, 0}, timespec{1'000'000, 0}};
        ASSERT_EQ(::utimensat(AT_FDCWD, file(name).c_str(), times.data(), 0), 0);
    }
    [[nodiscard]] base::Result<OpenDisk> open(const std::string& name = "disk.raw") const {
        return open_disk({"vda", file(name), image_formats::Format::Raw, base::VolumeName::parse("vda").value()}, {});
    }
    // Somebody else's open file, with locks as QEMU takes them.
    [[nodiscard]] UniqueFd other(std::initializer_list<off_t> bytes, short type = F_RDLCK) const {
        UniqueFd file_of_other(::open(file("disk.raw").c_str(), O_RDWR | O_CLOEXEC));
        for (const auto byte : bytes) {
            auto lock = lock_of(type, byte);
            EXPECT_EQ(::fcntl(file_of_other.get(), F_OFD_SETLK, &lock), 0);
        }
        return file_of_other;
    }
    [[nodiscard]] bool is_locked(off_t byte) const {
        const auto looking = other({});
        auto lock = lock_of(F_WRLCK, byte);
        EXPECT_EQ(::fcntl(looking.get(), F_OFD_GETLK, &lock), 0);
        return lock.l_type != F_UNLCK;
    }

    std::filesystem::path directory_;
};

TEST_F(OpenDiskTest, LetsNobodyWriteAsLongAsItIsThere) {
    {
        const auto disk = open();
        ASSERT_TRUE(disk) << disk.error().message();
        EXPECT_EQ(disk->size.count, 4096U);
        EXPECT_TRUE(is_locked(nobody_may_write));
        EXPECT_TRUE(is_locked(nobody_may_resize));
        EXPECT_FALSE(is_locked(reads)) << "others may read";
        EXPECT_FALSE(is_locked(writes)) << "it does not write";
        EXPECT_FALSE(is_locked(resizes));
        EXPECT_TRUE(open()) << "two that read do not disturb each other";
    }
    EXPECT_FALSE(is_locked(nobody_may_write));
    EXPECT_FALSE(is_locked(nobody_may_resize));
}

TEST_F(OpenDiskTest, WhatSomebodyWritesToIsBusy) {
    for (const auto byte : {writes, resizes}) {
        const auto writer = other({reads, byte});
        const auto disk = open();
        ASSERT_FALSE(disk) << byte;
        EXPECT_EQ(disk.error().code, Errc::Busy);
        EXPECT_NE(disk.error().message().find("disk.raw' is open for writing"), std::string::npos) << disk.error().message();
        EXPECT_FALSE(is_locked(nobody_may_write)) << "what is refused leaves no lock";
    }
    // Another machine that only reads it, and lets nobody write.
    const auto reader = other({reads, nobody_may_write, nobody_may_resize});
    EXPECT_TRUE(open());
}

// As programs do that lock a whole file.
TEST_F(OpenDiskTest, WhatSomebodyHasForHimselfIsBusy) {
    const auto owner = other({nobody_may_resize}, F_WRLCK);
    const auto disk = open();
    ASSERT_FALSE(disk);
    EXPECT_EQ(disk.error().code, Errc::Busy);
    EXPECT_NE(disk.error().message().find("is locked"), std::string::npos) << disk.error().message();
}

TEST_F(OpenDiskTest, SeesThatAFileHasBeenWrittenTo) {
    {
        const auto disk = open();
        ASSERT_TRUE(disk) << disk.error().message();
        EXPECT_TRUE(check_unchanged(*disk)) << "looking at it changes nothing";
        write("disk.raw", std::string(4096, 'b'));
        const auto checked = check_unchanged(*disk);
        ASSERT_FALSE(checked);
        EXPECT_EQ(checked.error().code, Errc::Busy);
        EXPECT_NE(checked.error().message().find("disk.raw' has been changed while it was copied"), std::string::npos);
    }
    const auto disk = open();
    ASSERT_TRUE(disk) << disk.error().message();
    std::filesystem::resize_file(file("disk.raw"), 8192);
    EXPECT_FALSE(check_unchanged(*disk));
}

TEST_F(OpenDiskTest, SeesThatAnotherFileIsInItsPlace) {
    const auto disk = open();
    ASSERT_TRUE(disk) << disk.error().message();
    write("new", std::string(4096, 'a'));
    make_old("new");
    std::filesystem::rename(file("new"), file("disk.raw"));
    const auto checked = check_unchanged(*disk);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, Errc::Busy);
    EXPECT_NE(checked.error().message().find("another file"), std::string::npos) << checked.error().message();
    std::filesystem::remove(file("disk.raw"));
    EXPECT_EQ(check_unchanged(*disk).error().code, Errc::NotFound);
}

// A socket cannot be opened: who tries says so, and does not come to say what it is.
TEST_F(OpenDiskTest, LooksBeforeItOpens) {
    const UniqueFd listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    ASSERT_LT(file("socket").native().size(), sizeof address.sun_path);
    file("socket").native().copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::mkfifo(file("pipe").c_str(), 0600), 0);
    std::filesystem::create_symlink("/dev/null", file("device"));
    for (const std::string name : {"socket", "pipe", "device", "."}) {
        const auto disk = open(name);
        ASSERT_FALSE(disk) << name;
        EXPECT_EQ(disk.error().code, Errc::InvalidArgument) << name;
        EXPECT_NE(disk.error().message().find("neither a plain file nor a block device"), std::string::npos) << disk.error().message();
    }
    EXPECT_EQ(open("missing").error().code, Errc::NotFound);
}

TEST_F(OpenDiskTest, FollowsLinksToImages) {
    std::filesystem::create_symlink("disk.raw", file("link"));
    const auto disk = open("link");
    ASSERT_TRUE(disk) << disk.error().message();
    EXPECT_EQ(disk->size.count, 4096U);
    EXPECT_TRUE(is_locked(nobody_may_write)) << "the lock is on the image";
    write("disk.raw", std::string(4096, 'b'));
    EXPECT_FALSE(check_unchanged(*disk));
}

}  // namespace
}  // namespace varve::domain_adoption::testing
