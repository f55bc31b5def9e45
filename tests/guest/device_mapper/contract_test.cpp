// SPDX-License-Identifier: LGPL-2.1-or-later
// The contracts on the real ones, and what only they can get wrong.
#include "tests/guest/device_mapper/real_devices.h"
#include "tests/support/loops_contract.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace varve::device_mapper_test {
namespace {

class RealLoopsWorld final : public test_support::LoopsWorld {
public:
    kernel::Loops& loops() override { return loops_; }
    base::UniqueFd make_file(base::Bytes size) override {
        base::UniqueFd file(::memfd_create("varve-test", MFD_CLOEXEC));
        EXPECT_EQ(::ftruncate(file.get(), static_cast<off_t>(size.count)), 0);
        return file;
    }
    void open(const kernel::LoopDevice& loop) override {
        opened_[loop.number] = base::UniqueFd(::open(loop.path().c_str(), O_RDONLY | O_CLOEXEC));
    }
    void close(const kernel::LoopDevice& loop) override { opened_.erase(loop.number); }
    base::Bytes size_of(const kernel::LoopDevice& loop) override {
        const base::UniqueFd device(::open(loop.path().c_str(), O_RDONLY | O_CLOEXEC));
        std::uint64_t bytes = 0;
        EXPECT_EQ(::ioctl(device.get(), BLKGETSIZE64, &bytes), 0);
        return {bytes};
    }

private:
    kernel::LoopControl loops_;
    std::map<unsigned, base::UniqueFd> opened_;
};

}  // namespace
}  // namespace varve::device_mapper_test

namespace varve::test_support {

INSTANTIATE_TEST_SUITE_P(Real, DeviceMapperContract,
                         testing::Values(MakeDeviceMapperWorld{
                             "real", [] { return std::make_unique<device_mapper_test::RealDeviceMapperWorld>(); }}));
INSTANTIATE_TEST_SUITE_P(Real, LoopsContract,
                         testing::Values(MakeLoopsWorld{"real", [] { return std::make_unique<device_mapper_test::RealLoopsWorld>(); }}));

}  // namespace varve::test_support

namespace varve::device_mapper_test {
namespace {

using base::Errc;
using kernel::LinearTarget;

class RealDeviceMapper : public RealDevices {};

TEST_F(RealDeviceMapper, TheNodeIsThereWhenCreateReturnsAndGoneAfterRemove) {
    for (const std::string own : {"plain", "origin-2049:131", "with+odd=chars@#_.:-"}) {
        const auto number = make(own, mib, LinearTarget{make_disk(mib).number(), {0}});
        EXPECT_EQ(kernel::block_device_at(node(own).string()).value(), number) << own;
        ASSERT_TRUE(mapper().rename(name(own), name("renamed")));
        EXPECT_EQ(kernel::block_device_at(node("renamed").string()).value(), number);
        EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(node(own)))) << own;
        remove("renamed");
        EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(node("renamed")))) << own;
    }
}

TEST_F(RealDeviceMapper, WhatGoesWithItsLastUserKeepsItsNodeUntilThen) {
    const auto number = make("a", mib, LinearTarget{make_disk(mib).number(), {0}});
    const base::UniqueFd used(::open(node("a").c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(mapper().remove_when_unused(name("a")));
    EXPECT_EQ(kernel::block_device_at(node("a").string()).value(), number);
    ASSERT_TRUE(mapper().keep(name("a")));
}

TEST_F(RealDeviceMapper, ALoopUnderATableIsInUse) {
    const base::UniqueFd file(::memfd_create("varve-test", MFD_CLOEXEC));
    ASSERT_EQ(::ftruncate(file.get(), mib), 0);
    kernel::LoopControl loops;
    const auto loop = loops.attach(file.get(), {}).value();
    make("above", mib, LinearTarget{loop.device, {0}});
    EXPECT_EQ(loops.detach(loop).error().code, Errc::Busy);
    remove("above");
    EXPECT_EQ(kernel::loops_over(loops, loop.backing).value(), std::vector{loop}) << "it must not go with its last user";
    EXPECT_TRUE(loops.detach(loop));
}

TEST_F(RealDeviceMapper, ManyAtOnce) {
    constexpr int threads = 4;
    constexpr int each = 4;
    const auto below = make_disk(mib).number();
    std::vector<int> done(threads);
    {
        std::vector<std::jthread> running;
        for (int thread = 0; thread < threads; ++thread)
            running.emplace_back([&, thread] {
                for (int i = 0; i < each; ++i) {
                    const auto own = std::to_string(thread) + "-" + std::to_string(i);
                    const auto made = try_to_make(own, mib, LinearTarget{below, {0}});
                    if (made && kernel::block_device_at(node(own).string()) == *made && mapper().remove(name(own)))
                        ++done[static_cast<std::size_t>(thread)];
                }
            });
    }
    EXPECT_EQ(done, std::vector<int>(threads, each));
}

TEST_F(RealDeviceMapper, ErrorsSayWhatAndWhy) {
    const auto disk = make_disk(mib).number();
    make("a", mib, LinearTarget{disk, {0}});
    const auto twice = try_to_make("a", mib, LinearTarget{disk, {0}});
    EXPECT_EQ(twice.error().message(), "cannot make the device 'varve-test-a': a device has that name or the uuid 'VARVE-test-a'");
    const auto beyond = try_to_make("b", 2 * mib, LinearTarget{disk, {0}});
    EXPECT_NE(beyond.error().message().find("the kernel refuses its table, its log says why"), std::string::npos)
        << beyond.error().message();
    testing::internal::CaptureStderr();
    EXPECT_FALSE(mapper().remove(name("nobody")));
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(RealDeviceMapper, ProgramsThatAreRunDoNotGetItsDescriptor) {
    EXPECT_TRUE(mapper().list());
    int seen = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code failed;
        if (std::filesystem::read_symlink(entry.path(), failed) != "/dev/mapper/control") continue;
        ++seen;
        EXPECT_NE(::fcntl(std::stoi(entry.path().filename()), F_GETFD) & FD_CLOEXEC, 0);
    }
    EXPECT_EQ(seen, 1);
}

TEST_F(RealDeviceMapper, ZeroesAndErrors) {
    make("zero", mib, kernel::ZeroTarget{});
    make("error", mib, kernel::ErrorTarget{});
    write_at(node("zero"), 0, 4096, 'x');
    EXPECT_EQ(read_at(node("zero"), 0, 4096), '\0');
    EXPECT_EQ(read_at(node("error"), 0, 4096), '!');
    EXPECT_EQ(mapper().table(name("zero")).value(), kernel::DmTable::of(sectors(mib), kernel::ZeroTarget{}).value());
    EXPECT_EQ(mapper().table(name("error")).value(), kernel::DmTable::of(sectors(mib), kernel::ErrorTarget{}).value());
}

}  // namespace
}  // namespace varve::device_mapper_test
