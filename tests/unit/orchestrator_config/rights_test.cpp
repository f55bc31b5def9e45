// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/config/rights.h"

#include <gtest/gtest.h>

namespace varve::orchestrator {
namespace {

base::VmName vm(std::string_view text) { return base::VmName::parse(text).value(); }
bool matches(std::string_view pattern, std::string_view name, const std::set<definitions::Tag>& tags = {}) {
    return VmPattern::parse(pattern).value().matches(vm(name), tags);
}

TEST(VmPatterns, Names) {
    EXPECT_TRUE(matches("work", "work"));
    EXPECT_FALSE(matches("work", "work-1"));
    EXPECT_FALSE(matches("work", "Work"));
    EXPECT_TRUE(matches("work*", "work-1"));
    EXPECT_TRUE(matches("*-1", "work-1"));
    EXPECT_TRUE(matches("w*k*1", "work-k-1"));
    EXPECT_TRUE(matches("*", "x"));
    EXPECT_FALSE(matches("*a*b*c", "xaxbx"));
}

TEST(VmPatterns, Tags) {
    const auto tag = definitions::Tag::parse("mine").value();
    EXPECT_TRUE(matches("@mine", "x", {tag}));
    EXPECT_FALSE(matches("@mine", "mine"));
}

TEST(VmPatterns, AreChecked) {
    for (const char* bad : {"", "@", "a/b", "@a b", "a?", "../x"}) EXPECT_FALSE(VmPattern::parse(bad)) << bad;
}

TEST(RightsTable, OnlyWhatIsGiven) {
    const Rights rights(
        {{UserId{1000}, {Verb::Start}, {VmPattern::parse("work*").value()}}, {GroupId{7}, {Verb::See}, {VmPattern::parse("*").value()}}},
        900);
    const Caller alice{1000, {1000}, 1};
    const Caller friend_of_7{1001, {1001, 7}, 1};
    EXPECT_TRUE(rights.allows(alice, Verb::Start, vm("work-1"), {}));
    EXPECT_FALSE(rights.allows(alice, Verb::Stop, vm("work-1"), {}));
    EXPECT_FALSE(rights.allows(alice, Verb::Start, vm("home"), {}));
    EXPECT_FALSE(rights.allows(alice, Verb::See, vm("work-1"), {}));
    EXPECT_TRUE(rights.allows(friend_of_7, Verb::See, vm("home"), {}));
    EXPECT_FALSE(rights.allows(friend_of_7, Verb::Start, vm("work"), {}));
}

TEST(RightsTable, RootAndTheOwnerMayDoEverything) {
    const Rights rights({}, 900);
    EXPECT_TRUE(rights.allows({0, {}, 1}, Verb::Remove, vm("a"), {}));
    EXPECT_TRUE(rights.allows({900, {}, 1}, Verb::Remove, vm("a"), {}));
    EXPECT_FALSE(rights.allows({1000, {0}, 1}, Verb::See, vm("a"), {}));
}

}  // namespace
}  // namespace varve::orchestrator
