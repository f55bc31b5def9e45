// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/settings/text.h"

#include <gtest/gtest.h>

#include <array>

namespace varve::settings {
namespace {

TEST(Text, Utf8) {
    for (const std::string_view good :
         {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
        EXPECT_TRUE(is_utf8(good)) << good;
    for (const std::string_view bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2 ", "\xe0\x9f\xbf", "\xe2\x82", "\xed\xa0\x80",
                                       "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"})
        EXPECT_FALSE(is_utf8(bad)) << bad;
}

TEST(Text, QuotesAreSafeToShow) {
    EXPECT_EQ(quote("a b"), "'a b'");
    EXPECT_EQ(quote("\x1b[31m\n\xff\x7f"),
              "'?[31m"
              "?"
              "?"
              "?'");
    EXPECT_EQ(quote("h\xc3\xa9"), "'h\xc3\xa9'");
    EXPECT_EQ(quote(std::string(200, 'x')), "'" + std::string(80, 'x') + "...'");
}

TEST(Text, ClosestForgivesTwoTypingErrors) {
    constexpr std::array<std::string_view, 3> known{"mountpoint", "min_free", "pool"};
    EXPECT_EQ(closest("muontpoint", known), "mountpoint");
    EXPECT_EQ(closest("mountpiont", known), "mountpoint");
    EXPECT_EQ(closest("mount_pont", known), "mountpoint");
    EXPECT_EQ(closest("minfree", known), "min_free");
    EXPECT_EQ(closest("pools", known), "pool");
    EXPECT_EQ(closest("mount", known), "");
    EXPECT_EQ(closest("", known), "");
    EXPECT_EQ(closest("p", known), "");
    EXPECT_EQ(closest(std::string(100'000, 'm'), known), "");
}

}  // namespace
}  // namespace varve::settings
