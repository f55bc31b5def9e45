// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/file/device_names.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

namespace varve::file {
namespace {

using Kind = DeviceRole::Kind;

const DeviceNames names("0b5e7c6a-1d3f-4a57-9f0e-3c2b1a09f8e7");
constexpr FileId image{0xfd02, 1234};
constexpr FileId cow{0xfd02, 1235};
constexpr FileId own{0xfd02, 99};

TEST(FileDeviceNames, AreThoseOfQubesScripts) {
    EXPECT_EQ(names.of({Kind::Origin, image, cow, {}}).value().name.str(), "origin-fd02:1234");
    EXPECT_EQ(names.of({Kind::Middle, image, cow, {}}).value().name.str(), "snapshot-fd02:1234-fd02:1235");
    EXPECT_EQ(names.of({Kind::Top, image, cow, own}).value().name.str(), "snapshot-fd02:1234-fd02:1235-fd02:99");
}

TEST(FileDeviceNames, UuidsSayWhoseAndWhatTheyAre) {
    const std::string prefix = "VARVE-0b5e7c6a-1d3f-4a57-9f0e-3c2b1a09f8e7-";
    EXPECT_EQ(names.of({Kind::Origin, image, cow, {}}).value().uuid.str(), prefix + "o-fd02:4d2-fd02:4d3");
    EXPECT_EQ(names.of({Kind::Middle, image, cow, {}}).value().uuid.str(), prefix + "s-fd02:4d2-fd02:4d3");
    EXPECT_EQ(names.of({Kind::Top, image, cow, own}).value().uuid.str(), prefix + "t-fd02:4d2-fd02:4d3-fd02:63");
    EXPECT_EQ(names.role_of(prefix + "o-fd02:4d2-fd02:4d3"), (DeviceRole{Kind::Origin, image, cow, {}}));
}

TEST(FileDeviceNames, FitWithTheLargestNumbers) {
    constexpr FileId largest{std::numeric_limits<std::uint32_t>::max(), std::numeric_limits<std::uint64_t>::max()};
    const auto name = names.of({Kind::Top, largest, largest, largest});
    ASSERT_TRUE(name) << name.error().message();
    EXPECT_EQ(names.role_of(name->uuid.str()), (DeviceRole{Kind::Top, largest, largest, largest}));
}

TEST(FileDeviceNames, OthersAreNotOurs) {
    const std::string prefix = names.uuid_prefix();
    for (const std::string own_part :
         {"", "o", "o-", "o-1:2", "o-1:2-", "o-1:2-3", "o-1:2-3:4-5:6", "s-1:2-3:4-5:6", "t-1:2-3:4", "x-1:2-3:4", "o-01:2-3:4",
          "o-1:2-3:4 ", "O-1:2-3:4", "o-1:2-3:FF", "o-1:2-3:-4", "crypt-work-volatile", "o-1:2-3:11111111111111111"})
        EXPECT_FALSE(names.role_of(prefix + own_part)) << own_part;
    EXPECT_FALSE(names.role_of("VARVE-another-o-1:2-3:4"));
    EXPECT_FALSE(names.role_of("o-1:2-3:4"));
    EXPECT_TRUE(names.role_of(prefix + "o-1:2-3:4"));
}

RC_GTEST_PROP(FileDeviceNames, EveryDeviceIsKnownAgain, (std::uint32_t device, std::uint64_t a, std::uint64_t b, std::uint64_t c)) {
    for (const auto kind : {Kind::Origin, Kind::Middle, Kind::Top}) {
        DeviceRole role{kind, {device, a}, {device, b}, {}};
        if (kind == Kind::Top) role.over = FileId{device, c};
        RC_ASSERT(names.role_of(names.of(role).value().uuid.str()) == role);
    }
}

}  // namespace
}  // namespace varve::file
