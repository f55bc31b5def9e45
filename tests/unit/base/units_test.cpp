// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/base/units.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace varve::base {
namespace {

TEST(ParseBytes, KnownSizes) {
    const std::vector<std::pair<std::string, std::uint64_t>> known{{"0", 0},
                                                                   {"1", 1},
                                                                   {"512", 512},
                                                                   {"512B", 512},
                                                                   {"1K", 1024},
                                                                   {"1k", 1024},
                                                                   {"1KiB", 1024},
                                                                   {"1Ki", 1024},
                                                                   {"10G", std::uint64_t{10} << 30},
                                                                   {"20GiB", std::uint64_t{20} << 30},
                                                                   {"1.5T", (std::uint64_t{3} << 40) / 2},
                                                                   {"0.5K", 512},
                                                                   {"2P", std::uint64_t{2} << 50},
                                                                   {"7E", std::uint64_t{7} << 60},
                                                                   {"18446744073709551615", std::numeric_limits<std::uint64_t>::max()},
                                                                   {"9223372036854775807", (std::uint64_t{1} << 63) - 1},
                                                                   {"007", 7}};
    for (const auto& [text, bytes] : known) {
        const auto read = parse_bytes(text);
        ASSERT_TRUE(read) << text << ": " << read.error().message();
        EXPECT_EQ(read->count, bytes) << text;
    }
}

TEST(ParseBytes, RefusesWhatIsNoSize) {
    for (const std::string text : {"",    "-1",   "+1", " 1",    "1 ",  "1 G", "G",   "1GB", "1KB",  "1Z", "1Gib", "1GiBs", "0x10",
                                   "1e3", "1,5G", ".",  "1.2.3", "nan", "inf", "ten", "1\n", "1G\n", "1@", "K1",   "1!"}) {
        const auto read = parse_bytes(text);
        ASSERT_FALSE(read) << "'" << text << "' was read as " << read->count;
        EXPECT_EQ(read.error().code, Errc::InvalidArgument) << text;
    }
}

TEST(ParseBytes, RefusesWhatDoesNotFit) {
    for (const std::string text :
         {"16E", "16384P", "99999999999999999999", "18446744073709551616", "18446744073709551615K", "20.5E", "1000000000000000000000G"}) {
        const auto read = parse_bytes(text);
        ASSERT_FALSE(read) << text << " was read as " << read->count;
        EXPECT_TRUE(read.error().code == Errc::TooLarge || read.error().code == Errc::InvalidArgument) << text;
    }
}

TEST(ParseBytes, ReadsEveryWholeNumber) {
    EXPECT_TRUE(rc::check("parse_bytes(to_string(n)) is n", [](std::uint64_t count) {
        const auto read = parse_bytes(std::to_string(count));
        RC_ASSERT(read.has_value());
        RC_ASSERT(read->count == count);
    }));
}

TEST(ParseBytes, UnitsMultiply) {
    EXPECT_TRUE(rc::check("n units are n times the unit", [] {
        const auto power = *rc::gen::inRange<std::size_t>(0, 6);
        const auto count = *rc::gen::inRange<std::uint64_t>(0, 16);
        const auto read = parse_bytes(std::to_string(count) + "KMGTPE"[power]);
        if (power == 5 && count >= 16) return;
        RC_ASSERT(read.has_value());
        RC_ASSERT(read->count == count << (10 * (power + 1)));
    }));
}

TEST(Human, KnownSizes) {
    EXPECT_EQ(human({0}), "0 B");
    EXPECT_EQ(human({512}), "512 B");
    EXPECT_EQ(human({1023}), "1023 B");
    EXPECT_EQ(human({1024}), "1.0 KiB");
    EXPECT_EQ(human({1536}), "1.5 KiB");
    EXPECT_EQ(human({std::uint64_t{10} << 30}), "10.0 GiB");
    EXPECT_EQ(human({std::numeric_limits<std::uint64_t>::max()}), "16.0 EiB");
}

TEST(Bytes, WholeSectors) {
    for (const std::uint64_t count : {0U, 512U, 1024U}) EXPECT_TRUE(Bytes{count}.whole_sectors());
    for (const std::uint64_t count : {1U, 511U, 513U}) EXPECT_FALSE(Bytes{count}.whole_sectors());
    EXPECT_TRUE(largest_volume.whole_sectors());
    EXPECT_EQ(largest_volume.count, (std::uint64_t{1} << 63) - 512);
    EXPECT_EQ(SectorCount{3}.bytes(), Bytes{1536});
}

TEST(Percent, IsNoAmount) {
    EXPECT_EQ(Portion(Percent{5}), Portion(Percent{5}));
    EXPECT_NE(Portion(Percent{5}), Portion(Percent{5.5}));
    EXPECT_NE(Portion(Percent{5}), Portion(Bytes{5}));
}

TEST(Percent, IsRead) {
    EXPECT_EQ(parse_percent("95%").value(), Percent{95});
    EXPECT_EQ(parse_percent("2.5%").value(), Percent{2.5});
    EXPECT_EQ(parse_percent("0%").value(), Percent{0});
    EXPECT_EQ(parse_percent("100%").value(), Percent{100});
    EXPECT_EQ(parse_percent("100.1%").error().code, Errc::TooLarge);
    for (const auto* text : {"", "%", "5", "5%%", "5% ", "-5%", "inf%", "1e1%", "1.2.3%", "five%"})
        EXPECT_EQ(parse_percent(text).error().code, Errc::InvalidArgument) << text;
}

}  // namespace
}  // namespace varve::base
