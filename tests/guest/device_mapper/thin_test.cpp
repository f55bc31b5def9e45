// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/thin_messages.h"
#include "tests/guest/device_mapper/real_devices.h"

namespace varve::device_mapper_test {
namespace {

using kernel::DeviceNumber;
using kernel::ThinPoolMode;
using kernel::ThinPoolTarget;
using kernel::ThinPoolUsage;
using kernel::ThinTarget;
using kernel::ThinUsage;
namespace thin_message = kernel::thin_message;

constexpr std::uint64_t block = 64 << 10;

class ThinPool : public RealDevices {
protected:
    DeviceNumber make_pool(std::uint64_t bytes) {
        ThinPoolTarget target{make_disk(4 * mib).number(), make_disk(bytes).number(), sectors(block), 1};
        target.error_if_no_space = true;
        return make("pool", bytes, target);
    }
    void tell(const std::string& message) {
        const auto told = mapper().message(name("pool"), {}, message);
        EXPECT_TRUE(told) << told.error().message();
    }
    ThinPoolUsage pool() { return std::get<ThinPoolUsage>(kernel::thin_pool_status(mapper(), name("pool")).value()); }
    ThinUsage thin(const std::string& own) { return std::get<ThinUsage>(kernel::thin_status(mapper(), name(own)).value()); }
};

TEST_F(ThinPool, SnapshotsAreVolumesOfTheirOwn) {
    const auto pool_device = make_pool(16 * mib);
    tell(thin_message::create({0}));
    make("volume", 8 * mib, ThinTarget{pool_device, {0}, {}});
    write_at(node("volume"), 0, mib, 'A');
    ASSERT_TRUE(mapper().suspend(name("volume"), {}));
    tell(thin_message::snapshot({1}, {0}));
    ASSERT_TRUE(mapper().resume(name("volume")));
    make("snapshot", 8 * mib, ThinTarget{pool_device, {1}, {}});
    write_at(node("volume"), 0, block, 'B');
    write_at(node("snapshot"), mib, block, 'S');

    EXPECT_EQ(read_at(node("snapshot"), 0, mib), 'A');
    EXPECT_EQ(read_at(node("volume"), 0, block), 'B');
    EXPECT_EQ(read_at(node("volume"), block, mib - block), 'A');
    EXPECT_EQ(read_at(node("volume"), mib, block), '\0');
    EXPECT_EQ(thin("volume"), (ThinUsage{sectors(mib), sectors(mib).count - 1}));
    EXPECT_EQ(thin("snapshot"), (ThinUsage{sectors(mib + block), sectors(mib + block).count - 1}));
    EXPECT_EQ(pool().data, (kernel::BlockUse{18, 256}));

    remove("snapshot");
    tell(thin_message::remove({1}));
    EXPECT_EQ(pool().data.used, 16U);
}

TEST_F(ThinPool, ItsStatusIsReadInEveryMode) {
    const auto pool_device = make_pool(mib);
    tell(thin_message::create({0}));
    make("volume", 8 * mib, ThinTarget{pool_device, {0}, {}});
    EXPECT_EQ(pool().mode, ThinPoolMode::ReadWrite);
    EXPECT_TRUE(pool().error_if_no_space);
    write_at(node("volume"), 0, mib, 'A');
    EXPECT_EQ(pool().data.percent().value, 100);
    EXPECT_FALSE(can_write_at(node("volume"), mib, block, 'A'));
    EXPECT_EQ(pool().mode, ThinPoolMode::OutOfDataSpace);
    EXPECT_EQ(read_at(node("volume"), 0, mib), 'A');
}

TEST_F(ThinPool, TransactionsAndHeldMetadata) {
    make_pool(mib);
    tell(thin_message::set_transaction_id(0, 7));
    EXPECT_EQ(pool().transaction_id, 7U);
    EXPECT_FALSE(mapper().message(name("pool"), {}, thin_message::set_transaction_id(0, 8)));
    EXPECT_FALSE(pool().held_root);
    tell(thin_message::reserve_metadata());
    EXPECT_TRUE(pool().held_root);
    tell(thin_message::release_metadata());
    EXPECT_FALSE(pool().held_root);
}

TEST_F(ThinPool, AVolumeWithAnExternalOrigin) {
    const auto pool_device = make_pool(8 * mib);
    auto& base = make_disk(mib);
    write_at(base.path(), 0, mib, 'O');
    tell(thin_message::create({5}));
    const ThinTarget target{pool_device, {5}, base.number()};
    make("volume", mib, target);
    EXPECT_EQ(mapper().table(name("volume")).value(), kernel::DmTable::of(sectors(mib), target).value());
    write_at(node("volume"), 0, block, 'V');
    EXPECT_EQ(read_at(node("volume"), 0, block), 'V');
    EXPECT_EQ(read_at(node("volume"), block, mib - block), 'O');
}

}  // namespace
}  // namespace varve::device_mapper_test
