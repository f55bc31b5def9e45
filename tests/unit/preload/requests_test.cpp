// SPDX-License-Identifier: LGPL-2.1-or-later
// What a request gets, and when.
#include "tests/unit/preload/world.h"

namespace varve::preload::tests {
namespace {

class RequestedPreloads : public World {};

TEST_F(RequestedPreloads, TheFirstGoodOnePausedBeforeBooted) {
    tell(event::SettingsChanged{settings(2)});
    tell(event::Begin{});
    tell(event::Booted{vm("disp1")});
    tell(event::Paused{vm("disp2")});
    EXPECT_EQ(tell(event::Requested{vm("dvm"), 1}), (Words{"hand 1 disp2"}));
    EXPECT_EQ(tell(event::Requested{vm("dvm"), 2}), (Words{"hand 2 disp1 unpaused"}));
    // Its pause was under way: nobody waits for it any more.
    EXPECT_EQ(tell(event::Paused{vm("disp1")}), Words{});
}

TEST_F(RequestedPreloads, OneInProgressIsWaitedFor) {
    tell(event::SettingsChanged{settings(1)});
    tell(event::Begin{});
    EXPECT_EQ(tell(event::Requested{vm("dvm"), 1}), Words{});
    EXPECT_EQ(tell(event::Requested{vm("dvm"), 2}), (Words{"cold 2 dvm"}));
    EXPECT_EQ(wait(seconds(5)), Words{});
    EXPECT_EQ(tell(event::Booted{vm("disp1")}), (Words{"hand 1 disp1 unpaused"}));
}

TEST_F(RequestedPreloads, ButNotForLong) {
    tell(event::SettingsChanged{settings(1)});
    tell(event::Begin{});
    tell(event::Requested{vm("dvm"), 1});
    EXPECT_EQ(wait(longest_wait - milliseconds(1)), Words{});
    EXPECT_EQ(wait(milliseconds(1)), (Words{"cold 1 dvm"}));
    EXPECT_EQ(tell(event::Paused{vm("disp1")}), Words{});
    EXPECT_EQ(listed(), "disp1");
}

TEST_F(RequestedPreloads, WhatFailsIsWaitedForNoLonger) {
    tell(event::SettingsChanged{settings(1)});
    tell(event::Begin{});
    tell(event::Requested{vm("dvm"), 1});
    EXPECT_EQ(tell(event::Failed{vm("disp1"), "no agent"}), (Words{"cold 1 dvm"}));
    EXPECT_EQ(wait(quiet_before_removal), (Words{"remove disp1"}));
}

TEST_F(RequestedPreloads, WhatIsOutdatedIsWaitedForNoLonger) {
    tell(event::SettingsChanged{settings(1)});
    tell(event::Begin{});
    tell(event::Requested{vm("dvm"), 1});
    EXPECT_EQ(tell(event::ContentChanged{vm("dvm"), "two"}), (Words{"cold 1 dvm"}));
    EXPECT_EQ(tell(event::Paused{vm("disp1")}), Words{});
    EXPECT_EQ(listed(), "disp1!");
}

TEST_F(RequestedPreloads, AFailedHandOverTakesTheNext) {
    fill(2);
    EXPECT_EQ(tell(event::Requested{vm("dvm"), 1}), (Words{"hand 1 disp1"}));
    EXPECT_EQ(tell(event::HandOverFailed{vm("disp1"), vm("dvm"), 1}), (Words{"hand 1 disp2"}));
    EXPECT_EQ(tell(event::HandOverFailed{vm("disp2"), vm("dvm"), 1}), (Words{"cold 1 dvm"}));
    EXPECT_EQ(wait(quiet_before_removal), (Words{"remove disp1 disp2"}));
}

TEST_F(RequestedPreloads, NotWhenTheHypervisorDoesNotAnswer) {
    fill(3);
    EXPECT_EQ(tell(event::Requested{vm("dvm"), 1}), (Words{"hand 1 disp1"}));
    EXPECT_EQ(tell(event::HandOverFailed{vm("disp1"), vm("dvm"), 1, true}), (Words{"cold 1 dvm"}));
    EXPECT_EQ(listed(), "disp2 disp3");
    EXPECT_EQ(tell(event::Requested{vm("dvm"), 2}), (Words{"hand 2 disp2"}));
}

TEST_F(RequestedPreloads, ABurstIsNeverHeldUp) {
    fill(4);
    Words given;
    for (RequestId request = 1; request <= 12; ++request)
        for (auto& each : tell(event::Requested{vm("dvm"), request})) given.push_back(std::move(each));
    EXPECT_EQ(given, (Words{"hand 1 disp1", "hand 2 disp2", "hand 3 disp3", "hand 4 disp4", "cold 5 dvm", "cold 6 dvm", "cold 7 dvm",
                            "cold 8 dvm", "cold 9 dvm", "cold 10 dvm", "cold 11 dvm", "cold 12 dvm"}));
    EXPECT_EQ(wait(seconds(3)), Words{}) << "what somebody waits for comes first";
    for (RequestId request = 5; request < 12; ++request) EXPECT_EQ(tell(event::ColdStartEnded{request}), Words{});
    EXPECT_EQ(tell(event::ColdStartEnded{12}), (Words{"create disp5 of dvm", "create disp6 of dvm"}));
}

TEST_F(RequestedPreloads, TearDownWaitsForQuietAndIsOneBatch) {
    fill(4);
    tell(event::Requested{vm("dvm"), 1});
    tell(event::SettingsChanged{settings(1)});
    EXPECT_EQ(wait(seconds(1)), Words{});
    tell(event::Requested{vm("dvm"), 2});
    tell(event::SettingsChanged{settings(0)});
    EXPECT_EQ(wait(milliseconds(1999)), Words{});
    EXPECT_EQ(wait(milliseconds(1)), (Words{"remove disp4 disp3"}));
}

TEST_F(RequestedPreloads, OnlyTwoAreCreatedAtATime) {
    tell(event::SettingsChanged{settings(4)});
    EXPECT_EQ(tell(event::Begin{}), (Words{"create disp1 of dvm", "create disp2 of dvm"}));
    EXPECT_EQ(tell(event::Paused{vm("disp1")}), (Words{"create disp3 of dvm"}));
}

TEST_F(RequestedPreloads, WithoutANameNothingIsCreated) {
    Preloads nameless{[] { return std::optional<VmName>(); }};
    (void)nameless.handle(event::SettingsChanged{settings(1)}, now);
    EXPECT_TRUE(nameless.handle(event::Begin{}, now).empty());
}

}  // namespace
}  // namespace varve::preload::tests
