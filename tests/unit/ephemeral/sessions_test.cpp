// SPDX-License-Identifier: LGPL-2.1-or-later
// What becomes of sessions and devices when the daemon or the machine starts again, and when others are at them.
#include "tests/unit/ephemeral/world.h"

namespace varve::ephemeral_tests {
namespace {

using base::Errc;

class EphemeralSessions : public testing::Test {
protected:
    void SetUp() override { world_.make(swap); }
    World world_;
};

TEST_F(EphemeralSessions, ARestartOfTheDaemonKeepsThem) {
    ASSERT_TRUE(succeeded(world_.start(swap)));
    const auto before = world_.kernel_objects();
    const auto number = world_.number_of(ready);
    world_.restart();
    EXPECT_TRUE(world_.started(swap));
    EXPECT_EQ(world_.kernel_objects(), before);
    EXPECT_EQ(world_.number_of(ready), number);
    EXPECT_EQ(world_.device(swap).value(), "/dev/mapper/" + ready);
    EXPECT_EQ(world_.start(swap).error().code, Errc::Busy);
    ASSERT_TRUE(succeeded(world_.stop(swap)));
    EXPECT_EQ(world_.kernel_objects(), "");
}

// On a file system without extended attributes the driver cannot know by itself.
TEST_F(EphemeralSessions, TheDeviceTellsThatOneIsOfThisBoot) {
    world_.files().set_marks(false);
    ASSERT_TRUE(succeeded(world_.start(swap)));
    const auto before = world_.kernel_objects();
    world_.restart();
    EXPECT_TRUE(world_.started(swap));
    EXPECT_EQ(world_.kernel_objects(), before);
    EXPECT_EQ(world_.device(swap).value(), "/dev/mapper/" + ready);
    ASSERT_TRUE(succeeded(world_.stop(swap)));
    ASSERT_TRUE(succeeded(world_.start(swap)));
    world_.reboot();
    EXPECT_FALSE(world_.view(swap)->session);
}

TEST_F(EphemeralSessions, ARebootDropsThem) {
    ASSERT_TRUE(succeeded(world_.start(swap)));
    world_.reboot();
    ASSERT_NE(world_.view(swap), nullptr);
    EXPECT_FALSE(world_.view(swap)->session) << "nobody can read it any more: there is nothing to be continued";
    EXPECT_NE(world_.log().find("lost its key"), std::string::npos) << world_.log();
    EXPECT_EQ(world_.kernel_objects(), "");
    ASSERT_TRUE(succeeded(world_.start(swap)));
    EXPECT_TRUE(world_.started(swap));
}

TEST_F(EphemeralSessions, SoDoesTheEndOfTheirDevice) {
    ASSERT_TRUE(succeeded(world_.start(swap)));
    world_.devices().mapped().clear();
    EXPECT_EQ(world_.device(swap).error().code, Errc::NotFound);
    world_.restart();
    EXPECT_FALSE(world_.view(swap)->session);
    EXPECT_EQ(world_.kernel_objects(), "") << "its loop device and its key go too";
}

TEST_F(EphemeralSessions, OneWithoutItsDeviceCanBeStopped) {
    ASSERT_TRUE(succeeded(world_.start(swap)));
    world_.devices().mapped().clear();
    EXPECT_EQ(world_.execute(swap, api::Resize{{2 * mib.count}}).error().code, Errc::NotFound);
    ASSERT_TRUE(succeeded(world_.stop(swap)));
    EXPECT_EQ(world_.kernel_objects(), "");
}

TEST_F(EphemeralSessions, AStopWaitsForNobodyWhoUsesTheDevice) {
    ASSERT_TRUE(succeeded(world_.start(swap)));
    const auto before = world_.kernel_objects();
    world_.devices().open(world_.number_of(ready));
    const auto refused = world_.stop(swap);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::Busy) << refused.error().message();
    world_.reload(swap);
    EXPECT_TRUE(world_.started(swap));
    EXPECT_EQ(world_.kernel_objects(), before);
    world_.devices().close(world_.number_of(ready));
    ASSERT_TRUE(succeeded(world_.stop(swap)));
    EXPECT_EQ(world_.kernel_objects(), "");
}

TEST_F(EphemeralSessions, ResizingGrowsAllThatLiesBelow) {
    ASSERT_TRUE(succeeded(world_.start(swap)));
    const auto key = world_.crypt(ready).key;
    ASSERT_TRUE(succeeded(world_.execute(swap, api::Resize{{3 * mib.count}})));
    EXPECT_EQ(world_.view(swap)->session->size.count, 3 * mib.count);
    EXPECT_EQ(world_.devices().loops().begin()->second.size.bytes().count, 3 * mib.count);
    EXPECT_EQ(world_.mapped(ready)->live->size().bytes().count, 3 * mib.count);
    EXPECT_FALSE(world_.mapped(ready)->suspended);
    EXPECT_TRUE(world_.crypt(ready).key == key);
    EXPECT_TRUE(world_.keys().held.empty());
}

TEST_F(EphemeralSessions, WhatCannotGrowIsLeftAsItIs) {
    world_.blocks().set_sector({4096});
    ASSERT_TRUE(succeeded(world_.start(swap)));
    EXPECT_EQ(world_.execute(swap, api::Resize{{mib.count + 512}}).error().code, Errc::InvalidArgument);
    const auto key = world_.keys().keys.begin()->second;
    const auto name = world_.keys().keys.begin()->first;
    world_.keys().keys.clear();
    const auto refused = world_.execute(swap, api::Resize{{2 * mib.count}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::NotFound) << refused.error().message();
    world_.reload(swap);
    EXPECT_EQ(world_.view(swap)->session->size, mib);
    EXPECT_EQ(world_.view(swap)->config.size, mib);
    world_.keys().keys.emplace(name, key);
    EXPECT_TRUE(succeeded(world_.execute(swap, api::Resize{{2 * mib.count}})));
}

TEST_F(EphemeralSessions, ResizingAHaltedOneAsksTheDriverOnly) {
    ASSERT_TRUE(succeeded(world_.execute(swap, api::Resize{{3 * mib.count}})));
    EXPECT_EQ(world_.kernel_objects(), "");
    ASSERT_TRUE(succeeded(world_.start(swap)));
    EXPECT_EQ(world_.mapped(ready)->live->size().bytes().count, 3 * mib.count);
}

TEST_F(EphemeralSessions, WhatBelongsToNoSessionIsRemoved) {
    ASSERT_TRUE(succeeded(world_.start(swap)));
    auto& mapped = world_.devices().mapped();
    const auto add = [&](const std::string& name, const std::string& uuid) {
        auto device = mapped.at(ready);
        device.name = name;
        device.uuid = uuid;
        device.number.minor += 100 + static_cast<unsigned>(mapped.size());
        mapped.emplace(name, device);
    };
    const auto prefix = "VARVE-" + identity + "-crypt-";
    add("of-no-volume", prefix + "work-gone");
    add("of-no-vm", prefix + "nobody-volatile");
    add("in-use", prefix + "work-used");
    world_.devices().open(mapped.at("in-use").number);
    add("of-another-pool", "VARVE-fedcba9876543210-crypt-work-gone");
    add("foreign", "CRYPT-PLAIN-work-gone");
    add("look-alike", prefix + "work-Gone");
    add("without-uuid", "");
    world_.restart();
    EXPECT_TRUE(world_.started(swap));
    for (const std::string gone : {"of-no-volume", "of-no-vm"}) EXPECT_EQ(world_.mapped(gone), nullptr) << gone;
    for (const std::string& kept : {ready, std::string("in-use"), std::string("of-another-pool"), std::string("foreign"),
                                    std::string("look-alike"), std::string("without-uuid")})
        EXPECT_NE(world_.mapped(kept), nullptr) << kept;
    EXPECT_NE(world_.log().find("in-use belongs to no session, but stays"), std::string::npos) << world_.log();
}

TEST_F(EphemeralSessions, AStartIsRefusedWhileAnEarlierDeviceIsInUse) {
    ASSERT_TRUE(succeeded(world_.start(swap)));
    auto left = world_.devices().mapped().at(ready);
    ASSERT_TRUE(succeeded(world_.stop(swap)));
    world_.devices().mapped().emplace(ready, left);
    world_.devices().open(left.number);
    const auto refused = world_.start(swap);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::Busy) << refused.error().message();
    EXPECT_FALSE(world_.view(swap)->session);
    world_.devices().close(left.number);
    EXPECT_TRUE(succeeded(world_.start(swap)));
}

TEST_F(EphemeralSessions, ItIsSetWhileHaltedOnly) {
    auto config = ephemeral_config();
    config.ephemeral = false;
    ASSERT_TRUE(succeeded(world_.start(swap)));
    EXPECT_EQ(world_.execute(swap, api::Configure{config}).error().code, Errc::Busy);
    ASSERT_TRUE(succeeded(world_.stop(swap)));
    ASSERT_TRUE(succeeded(world_.execute(swap, api::Configure{config})));
    ASSERT_TRUE(succeeded(world_.start(swap)));
    EXPECT_EQ(world_.kernel_objects(), "");
    EXPECT_EQ(world_.execute(swap, api::Configure{ephemeral_config()}).error().code, Errc::Busy);
    ASSERT_TRUE(succeeded(world_.stop(swap)));
    world_.restart();
    EXPECT_FALSE(world_.view(swap)->config.ephemeral) << "it is in the record";
}

TEST_F(EphemeralSessions, WithoutDmCryptAReasonIsGiven) {
    world_.devices().set_target_there("crypt", false);
    world_.restart();
    EXPECT_FALSE(world_.pool().capabilities().ephemeral);
    const auto refused = world_.execute("work/other", api::Create{ephemeral_config()});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::Unsupported);
    EXPECT_EQ(refused.error().message(), "work/other cannot be ephemeral: the kernel has no dm-crypt: modprobe dm-crypt");
    const auto not_started = world_.start(swap);
    ASSERT_FALSE(not_started);
    EXPECT_EQ(not_started.error().message(), "work/volatile cannot be ephemeral: the kernel has no dm-crypt: modprobe dm-crypt");
    EXPECT_FALSE(world_.view(swap)->session);

    world_.devices().set_target_there("crypt", true);
    world_.clock().advance(6);
    EXPECT_TRUE(succeeded(world_.start(swap))) << "modprobe helps without a restart";
}

TEST_F(EphemeralSessions, WithoutDeviceMapperTheOthersWork) {
    ASSERT_TRUE(succeeded(world_.start(swap)));
    world_.devices().set_device_mapper_there(false);
    world_.reboot();
    EXPECT_FALSE(world_.view(swap)->session);
    EXPECT_EQ(world_.start(swap).error().code, Errc::Unsupported);
    auto config = ephemeral_config();
    config.ephemeral = false;
    ASSERT_TRUE(succeeded(world_.execute(swap, api::Configure{config})));
    EXPECT_TRUE(succeeded(world_.start(swap)));
    EXPECT_TRUE(succeeded(world_.stop(swap)));
}

TEST_F(EphemeralSessions, TheKernelIsAskedOnceWhatItCan) {
    EXPECT_TRUE(world_.pool().capabilities().ephemeral);
    world_.faults().count();
    EXPECT_TRUE(world_.pool().capabilities().ephemeral);
    EXPECT_EQ(world_.faults().calls(), 0U);
}

}  // namespace
}  // namespace varve::ephemeral_tests
