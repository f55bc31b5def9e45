// SPDX-License-Identifier: LGPL-2.1-or-later
// Ephemeral volatile volumes, for drivers and kernels that can encrypt; the others say why they cannot. What is encrypted, and how, is
// tested in a guest (tests/guest/ephemeral).
#include "tests/contract/contract_test.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace varve::contract {
namespace {

using base::Errc;
using Phase = api::Session::Phase;

api::VolumeConfig ephemeral(base::Bytes size = mebibytes(1)) {
    auto config = volatile_volume(size);
    config.ephemeral = true;
    return config;
}

constexpr std::uint64_t behind_the_zeroes = 128 * 1024;

}  // namespace

bool EphemeralContractTest::can_encrypt() {
    if (pool_->capabilities().ephemeral) return true;
    EXPECT_TRUE(succeeded(pool_->create_vm(app_.vm, {})));
    refuse(app_, api::Create{ephemeral()}, Errc::Unsupported);
    EXPECT_FALSE(exists(app_));
    create(app_, volatile_volume());
    refuse(app_, api::Configure{ephemeral()}, Errc::Unsupported);
    return false;
}

base::UniqueFd EphemeralContractTest::open_device() const {
    const auto device = pool_->device(app_, view(app_));
    EXPECT_TRUE(succeeded(device));
    base::UniqueFd opened(::open(device ? device->c_str() : "", O_RDWR | O_CLOEXEC));
    EXPECT_TRUE(opened.valid());
    return opened;
}

void EphemeralContractTest::write_behind_the_zeroes(std::string_view text) const {
    const auto device = open_device();
    put_text(device.get(), text, behind_the_zeroes);
    ASSERT_EQ(::fsync(device.get()), 0);
}

std::string EphemeralContractTest::read_behind_the_zeroes() const { return text_of(open_device().get(), behind_the_zeroes); }

std::uint64_t EphemeralContractTest::device_size() const { return static_cast<std::uint64_t>(::lseek(open_device().get(), 0, SEEK_END)); }

namespace {

TEST_P(EphemeralContractTest, ItsStartReadsAsZeroes) {
    if (!can_encrypt()) return;
    create(app_, ephemeral());
    start(app_);
    std::string begin(65536, 'x');
    ASSERT_EQ(::pread(open_device().get(), begin.data(), begin.size(), 0), 65536);
    EXPECT_TRUE(std::ranges::all_of(begin, [](char c) { return c == '\0'; }));
    EXPECT_EQ(device_size(), mebibytes(1).count);
    EXPECT_EQ(view(app_).session->size, mebibytes(1));
}

TEST_P(EphemeralContractTest, ItKeepsWhatIsWrittenUntilItStops) {
    if (!can_encrypt()) return;
    create(app_, ephemeral());
    start(app_);
    write_device(app_, "swap");
    write_behind_the_zeroes("more");
    EXPECT_EQ(read_device(app_), "swap");
    EXPECT_EQ(read_behind_the_zeroes(), "more");
    stop(app_);
    EXPECT_FALSE(view(app_).session);
    EXPECT_TRUE(failed(pool_->device(app_, view(app_)), Errc::NotFound));
    start(app_);
    EXPECT_EQ(read_device(app_), "");
    EXPECT_NE(read_behind_the_zeroes(), "more");
    discard(app_);
    EXPECT_FALSE(view(app_).session);
}

TEST_P(EphemeralContractTest, ARestartOfTheDaemonLeavesItStarted) {
    if (!can_encrypt()) return;
    create(app_, ephemeral());
    start(app_);
    write_behind_the_zeroes("running");
    const auto device = pool_->device(app_, view(app_));
    reopen();
    ASSERT_TRUE(view(app_).session);
    EXPECT_EQ(view(app_).session->phase, Phase::Started);
    EXPECT_EQ(pool_->device(app_, view(app_)).value(), *device);
    EXPECT_EQ(read_behind_the_zeroes(), "running");
    refuse(app_, api::Start{}, Errc::Busy);
    stop(app_);
    EXPECT_FALSE(view(app_).session);
}

TEST_P(EphemeralContractTest, AfterARebootNothingIsLeftToContinue) {
    if (!can_encrypt()) return;
    create(app_, ephemeral());
    start(app_);
    write_behind_the_zeroes("lost");
    reboot();
    ASSERT_TRUE(exists(app_));
    EXPECT_TRUE(view(app_).config.ephemeral);
    EXPECT_FALSE(view(app_).session);
    refuse(app_, api::Stop{}, Errc::InvalidArgument);
    start(app_);
    EXPECT_NE(read_behind_the_zeroes(), "lost");
    stop(app_);
}

TEST_P(EphemeralContractTest, ItGrowsWhileItsVmRuns) {
    if (!can_encrypt()) return;
    create(app_, ephemeral());
    start(app_);
    write_behind_the_zeroes("kept");
    run(app_, api::Resize{mebibytes(3)});
    EXPECT_EQ(view(app_).session->size, mebibytes(3));
    EXPECT_EQ(device_size(), mebibytes(3).count);
    EXPECT_EQ(read_behind_the_zeroes(), "kept");
    reopen();
    run(app_, api::Resize{mebibytes(4)});
    EXPECT_EQ(device_size(), mebibytes(4).count);
    EXPECT_EQ(read_behind_the_zeroes(), "kept");
    stop(app_);
}

TEST_P(EphemeralContractTest, ItIsTurnedOnAndOffWhileHalted) {
    if (!can_encrypt()) return;
    create(app_, volatile_volume());
    start(app_);
    refuse(app_, api::Configure{ephemeral()}, Errc::Busy);
    stop(app_);
    auto config = view(app_).config;
    config.ephemeral = true;
    run(app_, api::Configure{config});
    start(app_);
    config.ephemeral = false;
    refuse(app_, api::Configure{config}, Errc::Busy);
    refuse(app_, api::RemoveCommitted{}, Errc::Busy);
    stop(app_);
    reopen();
    EXPECT_TRUE(view(app_).config.ephemeral);
    run(app_, api::Configure{config});
    start(app_);
    write_device(app_, "plain");
    EXPECT_EQ(read_device(app_), "plain");
    stop(app_);
}

TEST_P(EphemeralContractTest, OneSectorIsEnough) {
    if (!can_encrypt()) return;
    create(app_, ephemeral({512}));
    start(app_);
    EXPECT_EQ(device_size(), 512U);
    stop(app_);
}

TEST_P(EphemeralContractTest, ManyAtOnce) {
    if (!can_encrypt()) return;
    std::vector<base::VolumePath> volumes;
    for (const std::string vm : {"a", "a-b", "b"}) volumes.push_back(path(vm, "volatile"));
    for (const auto& volume : volumes) {
        create(volume, ephemeral());
        start(volume);
        write_device(volume, volume.str());
    }
    for (const auto& volume : volumes) EXPECT_EQ(read_device(volume), volume.str());
    stop(volumes.front());
    reopen();
    for (const auto& volume : volumes) {
        if (!view(volume).session) continue;
        EXPECT_EQ(read_device(volume), volume.str());
        stop(volume);
    }
}

}  // namespace
}  // namespace varve::contract
