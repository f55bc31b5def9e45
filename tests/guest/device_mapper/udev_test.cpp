// SPDX-License-Identifier: LGPL-2.1-or-later
// With udev only: who makes the nodes, and what when udev does not answer.
#include "tests/guest/device_mapper/real_devices.h"
#include "tests/support/run_program.h"

#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>

namespace varve::device_mapper_test {
namespace {

class Udev : public RealDevices {
protected:
    void SetUp() override { ASSERT_EQ(::access("/run/udev/control", F_OK), 0) << "these tests are for a machine with udev"; }
    static bool tell_udev(const std::string& what) {
        const auto told = test_support::run_program({"udevadm", "control", what});
        return told && told->succeeded();
    }
};

TEST_F(Udev, ItMakesTheNodesAndDoesNotReadWhatAGuestWrote) {
    const auto number = make("a", mib, kernel::LinearTarget{make_disk(mib).number(), {0}});
    EXPECT_TRUE(std::filesystem::is_symlink(node("a"))) << "libdevmapper makes nodes of its own, udev links";
    std::stringstream known;
    known << std::ifstream("/run/udev/data/b" + number.str()).rdbuf();
    for (const std::string flag : {"SUBSYSTEM", "DISK", "OTHER"})
        EXPECT_NE(known.str().find("DM_UDEV_DISABLE_" + flag + "_RULES_FLAG=1"), std::string::npos) << known.str();
    EXPECT_EQ(known.str().find("ID_FS_"), std::string::npos) << known.str();
}

// With udev's answers held back for as long as the test says.
class LateUdev : public Udev {
protected:
    void TearDown() override {
        EXPECT_TRUE(tell_udev("--start-exec-queue"));
        EXPECT_TRUE(udev_is_idle());
        Udev::TearDown();
    }
    [[nodiscard]] static bool udev_is_idle() {
        const auto waited = test_support::run_program({"udevadm", "settle", "--timeout=60"});
        return waited && waited->succeeded();
    }
    [[nodiscard]] base::Result<kernel::DeviceNumber> create(kernel::DeviceMapper& mapper) {
        const auto table = kernel::DmTable::of(sectors(mib), kernel::LinearTarget{disk_, {0}}).value();
        return mapper.create(name("a"), kernel::uuid_in_pool("test", "a").value(), table, kernel::DmAccess::ReadWrite, nullptr);
    }

    static constexpr auto deadline = std::chrono::milliseconds(400);
    kernel::LibDeviceMapper impatient_{deadline};

private:
    const kernel::DeviceNumber disk_ = make_disk(mib).number();
};

TEST_F(LateUdev, IsWaitedForAndThenDoneWithout) {
    ASSERT_TRUE(tell_udev("--stop-exec-queue"));
    for (const auto patience : {deadline, deadline / 4}) {
        const auto begin = std::chrono::steady_clock::now();
        const auto device = create(impatient_);
        EXPECT_GE(std::chrono::steady_clock::now() - begin, patience);
        ASSERT_TRUE(device) << device.error().message();
        EXPECT_EQ(kernel::block_device_at(node("a").string()).value_or(kernel::DeviceNumber{}), *device);
        EXPECT_TRUE(impatient_.remove(name("a"), nullptr));
        EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(node("a"))));
    }
}

// What it has still to do of devices that have gone would take their name from the one that is there.
TEST_F(LateUdev, LeavesTheNextDevicesTheirNode) {
    ASSERT_TRUE(tell_udev("--stop-exec-queue"));
    ASSERT_TRUE(create(impatient_));
    ASSERT_TRUE(impatient_.remove(name("a"), nullptr));
    ASSERT_TRUE(tell_udev("--start-exec-queue"));
    for (int cycle = 0; cycle < 20; ++cycle) {
        const auto device = create(mapper());
        ASSERT_TRUE(device) << device.error().message();
        for (int look = 0; look < 300; ++look)
            ASSERT_EQ(kernel::block_device_at(node("a").string()).value_or(kernel::DeviceNumber{}), *device) << cycle << ", " << look;
        ASSERT_TRUE(std::filesystem::is_symlink(node("a"))) << "udev is waited for again";
        ASSERT_TRUE(mapper().remove(name("a"), nullptr));
    }
}

}  // namespace
}  // namespace varve::device_mapper_test
