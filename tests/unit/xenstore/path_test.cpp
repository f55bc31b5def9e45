// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/xenstore/path.h"

#include <gtest/gtest.h>

namespace varve::xenstore {
namespace {

TEST(XenstorePath, WhatIsOne) {
    for (const auto* text : {"/", "/a", "/local/domain/3/device/vbd/51712", "/vm/6b0d-@x_Y"}) EXPECT_TRUE(Path::parse(text)) << text;
    EXPECT_TRUE(Path::parse("/" + std::string(256, 'a')));
}

TEST(XenstorePath, WhatIsNone) {
    for (const auto* text : {"", "a", "a/b", "//", "/a/", "/a//b", "/a b", "/a/../b", "/a\n", "@releaseDomain"})
        EXPECT_FALSE(Path::parse(text)) << text;
    EXPECT_FALSE(Path::parse(std::string("/a\0b", 4)));
    EXPECT_FALSE(Path::parse("/" + std::string(257, 'a')));
    std::string deep;
    while (deep.size() <= 3072) deep += "/abcdefg";
    EXPECT_FALSE(Path::parse(deep));
}

TEST(XenstorePath, Below) {
    const auto key = *Key::parse("name");
    EXPECT_EQ(below(*Path::parse("/"), key)->str(), "/name");
    EXPECT_EQ(below(*home_of({7}), key)->str(), "/local/domain/7/name");
    EXPECT_FALSE(Key::parse("a/b"));
    EXPECT_FALSE(Key::parse(""));
    EXPECT_FALSE(home_of({first_reserved_domain}));
}

TEST(XenstorePath, AncestorsAreNotPrefixes) {
    const auto seven = *Path::parse("/local/domain/7");
    EXPECT_TRUE(is_at_or_below(seven, seven));
    EXPECT_TRUE(is_at_or_below(*Path::parse("/local/domain/7/x"), seven));
    EXPECT_FALSE(is_at_or_below(*Path::parse("/local/domain/77"), seven));
    EXPECT_TRUE(is_at_or_below(seven, *Path::parse("/")));
}

}  // namespace
}  // namespace varve::xenstore
