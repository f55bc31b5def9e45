// SPDX-License-Identifier: LGPL-2.1-or-later
// Whose copy of a thin pool's metadata is given back, and whose is left alone.
#include "drivers/lvm_thin/reserved_metadata.h"

#include "drivers/kernel/thin_messages.h"
#include "tests/fakes/fake_device_mapper.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

namespace varve::lvm_thin {
namespace {

using base::Errc;
using kernel::DmName;
using kernel::DmTable;
using kernel::DmUuid;
namespace thin_message = kernel::thin_message;

class ReservedMetadataTest : public testing::Test {
protected:
    ReservedMetadataTest() { activate(); }
    ~ReservedMetadataTest() override { std::filesystem::remove_all(marks_); }

    // As LVM has them: the metadata is a device of its own under the pool.
    void activate() {
        const auto disk = devices_.add_disk({1 << 20});
        const auto metadata = make(names_.metadata, DmTable::of({8192}, kernel::LinearTarget{disk, {}}).value());
        make(names_.pool, DmTable::of({1 << 19}, kernel::ThinPoolTarget{metadata, disk, {128}, 4}).value());
    }
    // The kernel writes the reservation into the metadata.
    void cut_the_power(bool reserved) {
        devices_.reboot();
        empty_marks();
        activate();
        if (reserved) somebody_reserves();
    }
    void somebody_reserves() { ASSERT_TRUE(mapper_.message(names_.pool, {}, thin_message::reserve_metadata())); }
    bool is_reserved() {
        if (!mapper_.message(names_.pool, {}, thin_message::reserve_metadata())) return true;
        EXPECT_TRUE(mapper_.message(names_.pool, {}, thin_message::release_metadata()));
        return false;
    }
    kernel::DeviceNumber metadata() { return mapper_.find(names_.metadata).value()->device; }
    base::Result<ReservedMetadata> reserve() { return ReservedMetadata::reserve(mapper_, names_, marks_); }
    bool can_be_read() { return reserve().has_value(); }

    fakes::FakeBlockDevices devices_;
    fakes::Faults faults_;
    fakes::FakeDeviceMapper mapper_{devices_, faults_};
    const ThinPoolDevices names_{DmName::parse("vg-pool-tpool").value(), DmName::parse("vg-pool_tmeta").value()};
    const std::filesystem::path marks_ = [] {
        std::string pattern = testing::TempDir() + "varve-marks-XXXXXX";
        EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
        return pattern;
    }();

private:
    void empty_marks() const {
        std::filesystem::remove_all(marks_);
        ASSERT_TRUE(std::filesystem::create_directory(marks_));
    }
    kernel::DeviceNumber make(const DmName& name, const DmTable& table) {
        return mapper_.create(name, DmUuid::parse("LVM-" + name.str()).value(), table, kernel::DmAccess::ReadWrite, nullptr).value();
    }
};

TEST_F(ReservedMetadataTest, AnOwnCopyIsGivenBackAfterUse) {
    {
        const auto copy = reserve();
        ASSERT_TRUE(copy);
        EXPECT_TRUE(is_reserved());
    }
    EXPECT_FALSE(is_reserved());
    EXPECT_TRUE(can_be_read());
}

TEST_F(ReservedMetadataTest, AKilledDaemonsIsGivenBack) {
    ASSERT_TRUE(can_be_read());
    const auto killed = reserve();
    ASSERT_TRUE(killed);
    EXPECT_TRUE(can_be_read());
}

TEST_F(ReservedMetadataTest, AKilledDaemonsIsStillKnownAfterAFailure) {
    ASSERT_TRUE(can_be_read());
    const auto killed = reserve();
    ASSERT_TRUE(killed);
    devices_.reboot();  // as when somebody deactivates the pool for a moment
    EXPECT_EQ(reserve().error().code, Errc::NotFound);
    activate();
    somebody_reserves();
    EXPECT_TRUE(can_be_read());
}

TEST_F(ReservedMetadataTest, OneThatSomebodyReleasedByHandIsNoLongerOurs) {
    {
        const auto copy = reserve();
        ASSERT_TRUE(copy);
        ASSERT_TRUE(mapper_.message(names_.pool, {}, thin_message::release_metadata()));
    }
    somebody_reserves();
    EXPECT_FALSE(can_be_read());
    EXPECT_TRUE(is_reserved());
}

TEST_F(ReservedMetadataTest, OneFromBeforeAPowerCutIsGivenBack) {
    cut_the_power(true);
    EXPECT_TRUE(can_be_read());
    EXPECT_FALSE(is_reserved());
}

TEST_F(ReservedMetadataTest, OneThatIsReadIsNotFromBeforeThePowerCut) {
    cut_the_power(true);
    devices_.open(metadata());
    const auto refused = reserve();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::Busy);
    EXPECT_NE(refused.error().message().find("dmsetup message vg-pool-tpool 0 release_metadata_snap"), std::string::npos)
        << refused.error().message();
    EXPECT_TRUE(is_reserved());
    devices_.close(metadata());
    EXPECT_TRUE(can_be_read());
}

TEST_F(ReservedMetadataTest, AfterTheFirstOneOthersAreOfThisBoot) {
    cut_the_power(false);
    ASSERT_TRUE(can_be_read());
    somebody_reserves();
    const auto refused = reserve();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::Busy);
    EXPECT_FALSE(can_be_read()) << "being refused must not make it ours";
    EXPECT_TRUE(is_reserved());
}

TEST_F(ReservedMetadataTest, WithoutMarksNothingButAnOwnOneIsGivenBack) {
    somebody_reserves();
    EXPECT_FALSE(ReservedMetadata::reserve(mapper_, names_, {}));
    EXPECT_TRUE(is_reserved());
}

TEST_F(ReservedMetadataTest, APoolThatIsNotThereIsNotBusy) {
    devices_.reboot();
    const auto refused = reserve();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::NotFound);
}

}  // namespace
}  // namespace varve::lvm_thin
