// SPDX-License-Identifier: LGPL-2.1-or-later
// Daemons that die, and VMs that still have the device.
#include "tests/guest/ephemeral/guest_pool.h"

#include <fcntl.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX's, not C's
#include <unistd.h>

namespace varve::ephemeral_guest_test {
namespace {

using base::Errc;

class Ending : public Ephemeral {
protected:
    static base::UniqueFd open_as_vm(const std::filesystem::path& device) {
        base::UniqueFd fd(::open(device.c_str(), O_RDWR | O_CLOEXEC));
        EXPECT_TRUE(fd.valid());
        return fd;
    }
};

TEST_F(Ending, AKilledDaemonLeavesARunningVmItsDisk) {
    ASSERT_EQ(killed_after([](Process& process) {
                  process.need_volume({4 * mib});
                  if (!process.start()) ::_exit(2);
              }),
              -SIGKILL);
    ASSERT_EQ(devices(), std::vector<std::string>{ready()});
    auto vm = open_as_vm("/dev/mapper/" + ready());
    write_at("/dev/mapper/" + ready(), mib, 4096, 'P');

    auto pool = process();
    EXPECT_TRUE(pool->started());
    EXPECT_EQ(pool->device().value(), "/dev/mapper/" + ready());
    EXPECT_EQ(read_at("/dev/mapper/" + ready(), mib, 4096), std::string(4096, 'P'));
    EXPECT_EQ(pool->start().error().code, Errc::Busy);
    const auto refused = pool->stop();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::Busy) << refused.error().message();
    EXPECT_TRUE(pool->started());
    EXPECT_TRUE(key_there());
    vm.reset();
    ASSERT_TRUE(succeeded(pool->stop()));
    expect_nothing_left();
}

// Dies where the device is there, but not yet the session's.
class DiesWriting final : public kernel::BlockAccess {
public:
    base::Result<kernel::OpenDevice> open(const std::filesystem::path& path) const override { return real_.open(path); }
    base::Result<> zero_start(const std::filesystem::path& /*device*/, base::Bytes /*count*/) override {
        (void)::kill(::getpid(), SIGKILL);
        return {};
    }

private:
    kernel::PosixBlockAccess real_;
};

TEST_F(Ending, OneKilledInAStartLeavesNothing) {
    DiesWriting dies;
    ports_.blocks = &dies;
    ASSERT_EQ(killed_after([](Process& process) {
                  process.need_volume({4 * mib});
                  (void)process.start();
                  ::_exit(2);
              }),
              -SIGKILL);
    EXPECT_EQ(devices().size(), 1U);
    EXPECT_EQ(new_loops().size(), 1U);
    ports_.blocks = &ports_.own_blocks;
    auto pool = process();
    EXPECT_FALSE(pool->view().session);
    expect_nothing_left();
    ASSERT_TRUE(succeeded(pool->start()));
    ASSERT_TRUE(succeeded(pool->stop()));
    expect_nothing_left();
}

TEST_F(Ending, ASessionWhoseDeviceIsGoneIsDropped) {
    ASSERT_EQ(killed_after([](Process& process) {
                  process.need_volume({4 * mib});
                  if (!process.start()) ::_exit(2);
              }),
              -SIGKILL);
    ASSERT_TRUE(succeeded(ports_.mapper.remove(kernel::DmName::parse(ready()).value(), nullptr)));
    EXPECT_TRUE(std::filesystem::exists(image()));
    auto pool = process();
    EXPECT_FALSE(pool->view().session);
    EXPECT_FALSE(std::filesystem::exists(image()));
    expect_nothing_left();
}

TEST_F(Ending, ADeviceWithoutASessionGoesWithItsLastUser) {
    ASSERT_EQ(killed_after([](Process& process) {
                  process.need_volume({4 * mib});
                  if (!process.start()) ::_exit(2);
              }),
              -SIGKILL);
    auto vm = open_as_vm("/dev/mapper/" + ready());
    ASSERT_TRUE(std::filesystem::remove(image()));
    {
        auto pool = process();
        EXPECT_FALSE(pool->view().session);
        EXPECT_EQ(devices(), std::vector<std::string>{ready()}) << "somebody uses it";
        const auto refused = pool->start();
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, Errc::Busy) << refused.error().message();
    }
    vm.reset();
    auto pool = process();
    expect_nothing_left();
    ASSERT_TRUE(succeeded(pool->start()));
    ASSERT_TRUE(succeeded(pool->stop()));
}

TEST_F(Ending, ManyStartsAndStops) {
    auto pool = process();
    pool->need_volume({mib});
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(succeeded(pool->start())) << i;
        write_at(pool->device().value(), 65536, 4096, 'P');
        ASSERT_TRUE(succeeded(pool->stop())) << i;
    }
    expect_nothing_left();
}

}  // namespace
}  // namespace varve::ephemeral_guest_test
