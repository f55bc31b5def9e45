// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/guest/device_mapper/real_devices.h"

namespace varve::device_mapper_test {
namespace {

using kernel::CryptTarget;
using kernel::SecretKey;

class Crypt : public RealDevices {};

TEST_F(Crypt, OnlyTheKeyReadsIt) {
    auto& disk = make_disk(mib);
    CryptTarget target{.key = SecretKey::random(64).value()};
    target.device = disk.number();
    target.allow_discards = true;
    target.sector_bytes = 4096;
    target.iv_large_sectors = true;
    make("crypt", mib, target);
    EXPECT_EQ(mapper().table(name("crypt")).value(), kernel::DmTable::of(sectors(mib), target).value());
    write_at(node("crypt"), 0, mib, 'P');
    EXPECT_EQ(read_at(node("crypt"), 0, mib), 'P');
    EXPECT_EQ(read_at(disk.path(), 0, mib), '?');
    remove("crypt");

    make("crypt", mib, target);
    EXPECT_EQ(read_at(node("crypt"), 0, mib), 'P');
    remove("crypt");

    target.key = SecretKey::random(64).value();
    make("crypt", mib, target);
    EXPECT_EQ(read_at(node("crypt"), 0, mib), '?');
}

TEST_F(Crypt, ABadKeyIsRefusedAndNotShown) {
    CryptTarget target{.key = SecretKey::from_hex("abcdef").value()};
    target.device = make_disk(mib).number();
    const auto made = try_to_make("crypt", mib, target);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, base::Errc::InvalidArgument) << made.error().message();
    EXPECT_EQ(made.error().message().find("abcdef"), std::string::npos);
}

}  // namespace
}  // namespace varve::device_mapper_test
