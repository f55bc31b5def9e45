// SPDX-License-Identifier: LGPL-2.1-or-later
// The real loop devices; needs root.
#include "drivers/kernel/loop_control.h"

#include "tests/support/loop_filesystem.h"
#include "tests/support/loops_contract.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace varve::kernel {
namespace {

using test_support::FileSystemType;
using test_support::LoopFileSystem;

class LoopControlWorld final : public test_support::LoopsWorld {
public:
    Loops& loops() override { return loops_; }
    base::UniqueFd make_file(base::Bytes size) override {
        base::UniqueFd file(::memfd_create("varve-test", MFD_CLOEXEC));
        EXPECT_EQ(::ftruncate(file.get(), static_cast<off_t>(size.count)), 0);
        return file;
    }
    void open(const LoopDevice& loop) override {
        opened_[loop.number] = base::UniqueFd(::open(loop.path().c_str(), O_RDONLY | O_CLOEXEC));
        EXPECT_TRUE(opened_[loop.number].valid());
    }
    void close(const LoopDevice& loop) override { opened_.erase(loop.number); }
    base::Bytes size_of(const LoopDevice& loop) override {
        const base::UniqueFd device(::open(loop.path().c_str(), O_RDONLY | O_CLOEXEC));
        std::uint64_t bytes = 0;
        EXPECT_EQ(::ioctl(device.get(), BLKGETSIZE64, &bytes), 0);
        return {bytes};
    }

private:
    LoopControl loops_{std::chrono::milliseconds(50)};
    std::map<unsigned, base::UniqueFd> opened_;
};

}  // namespace
}  // namespace varve::kernel

namespace varve::test_support {

INSTANTIATE_TEST_SUITE_P(Real, LoopsContract,
                         testing::Values(MakeLoopsWorld{"real", [] { return std::make_unique<kernel::LoopControlWorld>(); }}));

}  // namespace varve::test_support

namespace varve::kernel {
namespace {

class LoopControlOn : public testing::TestWithParam<FileSystemType> {};

// Btrfs tells stat(2) a device number that no device has, and LOOP_GET_STATUS64 the same one.
TEST_P(LoopControlOn, FindsAFileOnARealFileSystemByDeviceAndInode) {
    const auto mounted = LoopFileSystem::make(GetParam(), {std::uint64_t{512} << 20});
    ASSERT_TRUE(mounted) << mounted.error().message();
    const auto path = mounted->path() / "image";
    base::UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_EQ(::ftruncate(file.get(), 8 << 20), 0);
    LoopControl loops;
    const auto loop = loops.attach(file.get(), {});
    ASSERT_TRUE(loop) << loop.error().message();
    const LoopGuard guard(loops, *loop);
    EXPECT_EQ(loop->backing, loops.backing_of(file.get()).value());
    EXPECT_TRUE(loop->direct_io) << "these file systems can";

    // By whatever name, or none.
    std::filesystem::rename(path, mounted->path() / "renamed");
    EXPECT_EQ(loops_over(loops, loop->backing).value(), std::vector{*loop});
    std::filesystem::remove(mounted->path() / "renamed");
    EXPECT_EQ(loops_over(loops, loop->backing).value(), std::vector{*loop});

    const auto buffered = loops.attach(file.get(), {.direct_io = false});
    ASSERT_TRUE(buffered);
    const LoopGuard buffered_guard(loops, *buffered);
    EXPECT_FALSE(buffered->direct_io);
}

std::string name_of_type(const testing::TestParamInfo<FileSystemType>& info) {
    switch (info.param) {
        case FileSystemType::Xfs: return "Xfs";
        case FileSystemType::Btrfs: return "Btrfs";
        case FileSystemType::Ext4: return "Ext4";
    }
    return "Other";
}
INSTANTIATE_TEST_SUITE_P(Real, LoopControlOn, testing::Values(FileSystemType::Xfs, FileSystemType::Btrfs, FileSystemType::Ext4),
                         name_of_type);

TEST(LoopControl, ManyAtOnceEachGetTheirOwn) {
    constexpr int threads = 4;
    constexpr int each = 3;
    std::vector<std::vector<LoopDevice>> made(threads);
    std::vector<base::UniqueFd> files;
    for (int i = 0; i < threads * each; ++i) {
        files.emplace_back(::memfd_create("varve-test", MFD_CLOEXEC));
        ASSERT_EQ(::ftruncate(files.back().get(), 1 << 20), 0);
    }
    LoopControl loops;
    std::vector<std::jthread> running;
    for (int thread = 0; thread < threads; ++thread)
        running.emplace_back([&, thread] {
            for (int i = 0; i < each; ++i)
                if (auto loop = loops.attach(files[static_cast<std::size_t>(thread * each + i)].get(), {}))
                    made[static_cast<std::size_t>(thread)].push_back(*loop);
        });
    running.clear();
    std::map<unsigned, int> numbers;
    for (const auto& loops_of_one : made)
        for (const auto& loop : loops_of_one) {
            ++numbers[loop.number];
            EXPECT_TRUE(loops.detach(loop));
        }
    EXPECT_EQ(numbers.size(), static_cast<std::size_t>(threads * each));
}

TEST(LoopControl, WhatIsNoFileIsRefused) {
    LoopControl loops;
    EXPECT_FALSE(loops.attach(-1, {}));
    EXPECT_FALSE(loops.backing_of(-1));
}

}  // namespace
}  // namespace varve::kernel
