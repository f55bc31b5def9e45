// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/callback/steps.h"

#include <gtest/gtest.h>

namespace varve::callback {
namespace {

std::string text_of(const Moments& moments) {
    std::string text;
    for (const auto& moment : moments) text.append(text.empty() ? "" : ", ").append(moment.str());
    return text;
}

TEST(StepsTest, AStepHasTwoMomentsWhereThereIsAnAfter) {
    EXPECT_EQ(text_of(parse_moments("start").value()), "before start, after start");
    EXPECT_EQ(text_of(parse_moments("setup export").value()), "before setup, before export");
    EXPECT_EQ(text_of(parse_moments("  after-stop\tbefore-start\n").value()), "before start, after stop");
}

TEST(StepsTest, TheStandardIsAllButExport) {
    EXPECT_EQ(standard_moments(), parse_moments("setup destroy create start stop remove resize import").value());
}

TEST(StepsTest, WhatIsNoStepIsRefused) {
    for (const auto* wrong : {"", "  ", "begin", "start,stop", "before-", "during-start", "after-setup", "after-export", "Start"}) {
        const auto parsed = parse_moments(wrong);
        ASSERT_FALSE(parsed) << wrong;
        EXPECT_EQ(parsed.error().code, base::Errc::InvalidArgument);
    }
}

}  // namespace
}  // namespace varve::callback
