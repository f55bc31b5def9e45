// SPDX-License-Identifier: LGPL-2.1-or-later
// What a start makes of the kernel's objects, and that the key is nowhere else.
#include "tests/unit/ephemeral/world.h"

namespace varve::ephemeral_tests {
namespace {

using base::Errc;

class EphemeralDevices : public testing::Test {
protected:
    World world_;
};

std::string hex_of(const kernel::SecretKey& key) {
    kernel::WipedText text;
    key.append_hex_to(text);
    return std::string(text.view());
}

TEST_F(EphemeralDevices, AStartEncryptsAndAStopLeavesNothing) {
    world_.make(swap);
    ASSERT_TRUE(succeeded(world_.start(swap)));
    EXPECT_EQ(world_.device(swap).value(), "/dev/mapper/" + ready);
    EXPECT_EQ(world_.kernel_objects(), ready + "\n/dev/loop0\nvarve:VARVE-" + identity + "-crypt-work-volatile\n");
    EXPECT_EQ(world_.mapped(ready)->uuid, "VARVE-" + identity + "-crypt-work-volatile");
    EXPECT_EQ(world_.mapped(ready)->live->size().bytes(), mib);
    const auto target = world_.crypt(ready);
    EXPECT_EQ(target.cipher, "aes-xts-plain64");
    EXPECT_TRUE(target.allow_discards);
    EXPECT_EQ(target.sector_bytes, std::nullopt);
    EXPECT_EQ(target.iv_offset, base::SectorCount{});
    EXPECT_EQ(std::get<kernel::KeyringKey>(target.key), (kernel::KeyringKey{64, "varve:VARVE-" + identity + "-crypt-work-volatile"}));
    EXPECT_TRUE(world_.keys().held.empty()) << "no thread holds it any longer";
    ASSERT_EQ(world_.blocks().zeroed().size(), 1U);
    EXPECT_EQ(world_.blocks().zeroed().front().count, base::Bytes{65536});
    EXPECT_NE(world_.blocks().zeroed().front().device, "/dev/mapper/" + ready) << "it has its name only when its start is zeroed";

    ASSERT_TRUE(succeeded(world_.stop(swap)));
    EXPECT_EQ(world_.kernel_objects(), "");
    EXPECT_FALSE(world_.view(swap)->session);
    EXPECT_EQ(world_.device(swap).error().code, Errc::NotFound);
}

TEST_F(EphemeralDevices, EveryStartHasItsOwnKey) {
    world_.make(swap);
    ASSERT_TRUE(succeeded(world_.start(swap)));
    const auto first = world_.keys().keys.begin()->second;
    EXPECT_EQ(first.size(), 64U);
    ASSERT_TRUE(succeeded(world_.stop(swap)));
    ASSERT_TRUE(succeeded(world_.start(swap)));
    EXPECT_FALSE(world_.keys().keys.begin()->second == first);
}

TEST_F(EphemeralDevices, OthersGetWhatTheDriverGives) {
    world_.make(swap);
    auto config = ephemeral_config();
    config.ephemeral = false;
    ASSERT_TRUE(succeeded(world_.execute("work/scratch", api::Create{config})));
    ASSERT_TRUE(succeeded(world_.start("work/scratch")));
    EXPECT_EQ(world_.device("work/scratch").value(), "/pool/appvms/work/scratch-dirty.img");
    EXPECT_EQ(world_.kernel_objects(), "");
}

TEST_F(EphemeralDevices, ABlockDeviceNeedsNoLoopDevice) {
    world_.give_block_device("/dev/vg/volatile");
    world_.restart();
    const auto disk = world_.devices().add_disk({4096});
    world_.blocks().add_disk("/dev/vg/volatile", disk);
    world_.make(swap);
    ASSERT_TRUE(succeeded(world_.start(swap)));
    EXPECT_EQ(world_.crypt(ready).device, disk);
    EXPECT_TRUE(world_.devices().loops().empty());
    ASSERT_TRUE(succeeded(world_.stop(swap)));
    EXPECT_EQ(world_.kernel_objects(), "");
}

TEST_F(EphemeralDevices, TheVmSeesTheSectorsOfTheStorage) {
    world_.make(swap);
    world_.make("work/odd", {512 * 9});
    world_.blocks().set_sector({4096});
    ASSERT_TRUE(succeeded(world_.start(swap)));
    EXPECT_EQ(world_.crypt(ready).sector_bytes, 4096U);
    const auto refused = world_.start("work/odd");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::InvalidArgument);
    EXPECT_NE(refused.error().message().find("4096"), std::string::npos) << refused.error().message();
    world_.reload("work/odd");
    EXPECT_FALSE(world_.view("work/odd")->session);
    ASSERT_TRUE(succeeded(world_.stop(swap)));
    EXPECT_EQ(world_.kernel_objects(), "");
}

TEST_F(EphemeralDevices, ASmallOneIsZeroedWhole) {
    world_.make(swap, {512});
    ASSERT_TRUE(succeeded(world_.start(swap)));
    EXPECT_EQ(world_.blocks().zeroed().front().count, base::Bytes{512});
}

TEST_F(EphemeralDevices, WithoutAKeyringTheKeyStandsInTheTable) {
    world_.keys().there = false;
    world_.make(swap);
    ASSERT_TRUE(succeeded(world_.start(swap)));
    const auto key = std::get<kernel::SecretKey>(world_.crypt(ready).key);
    EXPECT_EQ(key.size(), 64U);
    EXPECT_NE(world_.log().find("keeps no keys"), std::string::npos) << world_.log();
    EXPECT_EQ(world_.log().find(hex_of(key).substr(0, 16)), std::string::npos);
    ASSERT_TRUE(succeeded(world_.execute(swap, api::Resize{{2 * mib.count}})));
    EXPECT_EQ(std::get<kernel::SecretKey>(world_.crypt(ready).key), key);
    EXPECT_EQ(world_.mapped(ready)->live->size().bytes().count, 2 * mib.count);
    ASSERT_TRUE(succeeded(world_.stop(swap)));
    EXPECT_EQ(world_.kernel_objects(), "");
    EXPECT_EQ(world_.log().find(hex_of(key).substr(0, 16)), std::string::npos);
}

TEST_F(EphemeralDevices, EveryOperationIsLogged) {
    world_.make(swap);
    ASSERT_TRUE(succeeded(world_.start(swap)));
    ASSERT_TRUE(succeeded(world_.execute(swap, api::Resize{{2 * mib.count}})));
    ASSERT_TRUE(succeeded(world_.stop(swap)));
    for (const std::string line : {"encrypted", "resized", "closed"})
        EXPECT_NE(world_.log().find("fast/work/volatile: " + line + " " + ready), std::string::npos) << world_.log();
}

}  // namespace
}  // namespace varve::ephemeral_tests
