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

TEST_F(Udev, OneThatDoesNotAnswerIsWaitedForOnce) {
    using Clock = std::chrono::steady_clock;
    constexpr auto deadline = std::chrono::milliseconds(300);
    kernel::LibDeviceMapper impatient(deadline);
    const auto disk = make_disk(mib).number();
    const auto table = kernel::DmTable::of(sectors(mib), kernel::LinearTarget{disk, {0}}).value();
    const auto create = [&](const std::string& own) {
        return impatient.create(name(own), kernel::uuid_in_pool("test", own).value(), table, kernel::DmAccess::ReadWrite, nullptr);
    };
    ASSERT_TRUE(tell_udev("--stop-exec-queue"));
    const auto begin = Clock::now();
    const auto first = create("first");
    const auto waited = Clock::now() - begin;
    const auto second = create("second");
    const auto removed = impatient.remove(name("second"), nullptr);
    const bool gone = !std::filesystem::exists(std::filesystem::symlink_status(node("second")));
    const bool there = first && kernel::block_device_at(node("first").string()) == *first;
    EXPECT_TRUE(tell_udev("--start-exec-queue"));
    ASSERT_TRUE(first) << first.error().message();
    EXPECT_GE(waited, deadline);
    EXPECT_TRUE(there) << "libdevmapper has made the node";
    EXPECT_TRUE(second) << second.error().message();
    EXPECT_TRUE(removed && gone);
}

}  // namespace
}  // namespace varve::device_mapper_test
