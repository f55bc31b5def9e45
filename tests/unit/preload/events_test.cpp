// SPDX-License-Identifier: LGPL-2.1-or-later
// The event table of the preload queue, row by row.
#include "tests/unit/preload/world.h"

#include <functional>

namespace varve::preload::tests {
namespace {

class EventTable : public World {};

TEST_F(EventTable, MaxRaisedRefillsWithoutADelay) {
    fill(1);
    EXPECT_EQ(tell(event::SettingsChanged{settings(3)}), (Words{"create disp2 of dvm", "create disp3 of dvm"}));
}

TEST_F(EventTable, MaxLoweredRemovesTheExcessThoseInProgressFirst) {
    fill(2);
    tell(event::SettingsChanged{settings(4)});
    EXPECT_EQ(listed(), "disp1 disp2 disp3+ disp4+");
    EXPECT_EQ(tell(event::SettingsChanged{settings(1)}), (Words{"remove disp3 disp4 disp2"}));
    EXPECT_EQ(listed(), "disp1");
}

TEST_F(EventTable, MaxDeletedRemovesAll) {
    fill(2);
    EXPECT_EQ(tell(event::SettingsChanged{settings({})}), (Words{"remove disp2 disp1"}));
}

TEST_F(EventTable, MaxDeletedUnlessTheSystemsValueCoversIt) {
    fill(2);
    auto covered = settings({});
    covered.default_dispvm = vm("dvm");
    covered.system_max = 2;
    EXPECT_EQ(tell(event::SettingsChanged{covered}), Words{});
    EXPECT_EQ(listed(), "disp1 disp2");
}

TEST_F(EventTable, TheSystemsValueOverridesTheDefaultsOwn) {
    auto both = settings(5);
    both.default_dispvm = vm("dvm");
    both.system_max = 1;
    EXPECT_EQ(wanted(both, vm("dvm")), 1U);
    both.default_dispvm = vm("other");
    EXPECT_EQ(wanted(both, vm("dvm")), 5U);
    EXPECT_EQ(wanted(both, vm("other")), 0U);
}

TEST_F(EventTable, DefaultChangedWithASystemsValueReevaluatesBoth) {
    auto all = settings({});
    all.templates[vm("dvm2")] = all.templates[vm("dvm")];
    all.default_dispvm = vm("dvm");
    all.system_max = 1;
    tell(event::SettingsChanged{all});
    EXPECT_EQ(tell(event::Begin{}), (Words{"create disp1 of dvm"}));
    all.default_dispvm = vm("dvm2");
    EXPECT_EQ(tell(event::SettingsChanged{all}), (Words{"create disp2 of dvm2", "remove disp1"}));
}

TEST_F(EventTable, TemplateForDispvmsOffRemovesAllAndOnStarts) {
    fill(2);
    EXPECT_EQ(tell(event::SettingsChanged{Settings{}}), (Words{"remove disp2 disp1"}));
    EXPECT_EQ(tell(event::SettingsChanged{settings(2)}), (Words{"create disp3 of dvm", "create disp4 of dvm"}));
}

TEST_F(EventTable, TemplateRemovedTakesItsPreloadsWithIt) {
    fill(1);
    EXPECT_EQ(tell(event::SettingsChanged{Settings{}}), (Words{"remove disp1"}));
    EXPECT_EQ(tell(event::Requested{vm("dvm"), 1}), (Words{"cold 1 dvm"}));
}

TEST_F(EventTable, VolumesCommittedReplacesTheOutdatedAfterFourSeconds) {
    fill(2);
    EXPECT_EQ(tell(event::ContentChanged{vm("dvm"), "two"}), Words{});
    EXPECT_EQ(listed(), "disp1! disp2!");
    EXPECT_EQ(wait(milliseconds(3999)), Words{});
    EXPECT_EQ(wait(milliseconds(1)), (Words{"create disp3 of dvm", "create disp4 of dvm", "remove disp1 disp2"}));
    EXPECT_EQ(listed(), "disp3+ disp4+");
}

TEST_F(EventTable, ACommitThatChangedNothingRefreshesNothing) {
    fill(2);
    EXPECT_EQ(tell(event::ContentChanged{vm("dvm"), "one"}), Words{});
    EXPECT_EQ(wait(seconds(60)), Words{});
    EXPECT_EQ(listed(), "disp1 disp2");
}

TEST_F(EventTable, OutdatedOnesAreNeverHandedOut) {
    fill(2);
    tell(event::ContentChanged{vm("dvm"), "two"});
    EXPECT_EQ(tell(event::Requested{vm("dvm"), 1}), (Words{"cold 1 dvm"}));
}

TEST_F(EventTable, SeveralCommitsRefreshOnce) {
    fill(1);
    tell(event::ContentChanged{vm("dvm"), "two"});
    EXPECT_EQ(wait(seconds(3)), Words{});
    tell(event::ContentChanged{vm("dvm"), "three"});
    EXPECT_EQ(wait(seconds(3)), Words{});
    EXPECT_EQ(wait(seconds(1)), (Words{"create disp2 of dvm", "remove disp1"}));
}

TEST_F(EventTable, PropertyChangedReplacesAfterThirtySeconds) {
    fill(1);
    tell(event::PropertyChanged{vm("dvm")});
    EXPECT_EQ(tell(event::Requested{vm("dvm"), 1}), (Words{"cold 1 dvm"}));
    tell(event::ColdStartEnded{1});
    EXPECT_EQ(wait(milliseconds(29999)), Words{});
    EXPECT_EQ(wait(milliseconds(1)), (Words{"create disp2 of dvm", "remove disp1"}));
}

TEST_F(EventTable, RequestedRefillsAfterTheDelay) {
    fill(2);
    EXPECT_EQ(tell(event::Requested{vm("dvm"), 1}), (Words{"hand 1 disp1"}));
    EXPECT_EQ(listed(), "disp2");
    EXPECT_EQ(wait(milliseconds(2999)), Words{});
    EXPECT_EQ(wait(milliseconds(1)), (Words{"create disp3 of dvm"}));
}

TEST_F(EventTable, ResumedByOthersIsUsedAndNeverHandedOut) {
    fill(1);
    EXPECT_EQ(tell(event::Resumed{vm("disp1")}), (Words{"used disp1"}));
    EXPECT_EQ(tell(event::Requested{vm("dvm"), 1}), (Words{"cold 1 dvm"}));
    tell(event::ColdStartEnded{1});
    EXPECT_EQ(wait(seconds(3)), (Words{"create disp2 of dvm"}));
}

TEST_F(EventTable, TheTemplatesDelayGoesBeforeTheSystems) {
    fill(2);
    auto slower = settings(2, milliseconds(10000));
    tell(event::SettingsChanged{slower});
    tell(event::Requested{vm("dvm"), 1});
    EXPECT_EQ(wait(milliseconds(9999)), Words{});
    EXPECT_EQ(wait(milliseconds(1)), (Words{"create disp3 of dvm"}));
}

TEST_F(EventTable, ANegativeDelayRefillsOnlyWhenTheListIsEmpty) {
    fill(2);
    tell(event::SettingsChanged{settings(2, definitions::RefillWhenEmpty{})});
    EXPECT_EQ(tell(event::Requested{vm("dvm"), 1}), (Words{"hand 1 disp1"}));
    EXPECT_EQ(wait(seconds(60)), Words{});
    EXPECT_EQ(tell(event::Requested{vm("dvm"), 2}), (Words{"hand 2 disp2", "create disp3 of dvm", "create disp4 of dvm"}));
}

TEST_F(EventTable, WhatStartsColdGoesBeforeTheRefill) {
    fill(1);
    EXPECT_EQ(tell(event::Requested{vm("dvm"), 1}), (Words{"hand 1 disp1"}));
    EXPECT_EQ(tell(event::Requested{vm("dvm"), 2}), (Words{"cold 2 dvm"}));
    EXPECT_EQ(tell(event::Requested{vm("dvm"), 3}), (Words{"cold 3 dvm"}));
    EXPECT_EQ(wait(seconds(10)), Words{});
    EXPECT_EQ(tell(event::ColdStartEnded{2}), Words{});
    EXPECT_EQ(tell(event::ColdStartEnded{3}), (Words{"create disp2 of dvm"}));
}

TEST_F(EventTable, TheRefillDoesNotWaitForColdStartsForEver) {
    fill(1);
    tell(event::Requested{vm("dvm"), 1});
    EXPECT_EQ(tell(event::Requested{vm("dvm"), 2}), (Words{"cold 2 dvm"}));
    EXPECT_EQ(wait(longest_yield - milliseconds(1)), Words{});
    // Others that come meanwhile do not put it off.
    EXPECT_EQ(tell(event::Requested{vm("dvm"), 3}), (Words{"cold 3 dvm"}));
    EXPECT_EQ(wait(milliseconds(1)), (Words{"create disp2 of dvm"}));
    EXPECT_EQ(tell(event::ColdStartEnded{7}), Words{}) << "of nobody's";
}

TEST_F(EventTable, NotEnoughMemoryCreatesNothingUntilItReturns) {
    auto all = settings(3);
    all.threshold = {std::uint64_t{1} << 30};
    tell(event::MemoryChanged{{(std::uint64_t{3} << 30) - 1}});
    tell(event::SettingsChanged{all});
    EXPECT_EQ(tell(event::Begin{}), (Words{"create disp1 of dvm"}));
    EXPECT_EQ(tell(event::Paused{vm("disp1")}), Words{});
    EXPECT_EQ(wait(seconds(600)), Words{});
    EXPECT_EQ(tell(event::MemoryChanged{{std::uint64_t{3} << 30}}), (Words{"create disp2 of dvm", "create disp3 of dvm"}));
}

TEST_F(EventTable, OneThatTheHostHasNoMemoryForIsNoFailure) {
    tell(event::SettingsChanged{settings(1)});
    EXPECT_EQ(tell(event::Begin{}), (Words{"create disp1 of dvm"}));
    EXPECT_EQ(tell(event::NoMemory{vm("disp1"), {1000}}), (Words{"remove disp1"}));
    EXPECT_TRUE(preloads.starved());
    EXPECT_EQ(preloads.trouble(vm("dvm")), "");
    EXPECT_EQ(wait(seconds(60)), Words{});
    EXPECT_EQ(tell(event::MemoryChanged{{std::uint64_t{1} << 30}}), (Words{"create disp2 of dvm"}));
    EXPECT_FALSE(preloads.starved());
}

TEST_F(EventTable, RefreshReplacesAtOnce) {
    fill(1);
    EXPECT_EQ(tell(event::Refresh{vm("dvm")}), (Words{"create disp2 of dvm", "remove disp1"}));
}

TEST_F(EventTable, AFailedOneIsRemovedAndRetriedLaterAndLater) {
    tell(event::SettingsChanged{settings(1)});
    EXPECT_EQ(tell(event::Begin{}), (Words{"create disp1 of dvm"}));
    EXPECT_EQ(tell(event::Failed{vm("disp1"), "no agent"}), (Words{"remove disp1"}));
    EXPECT_EQ(preloads.trouble(vm("dvm")), "no agent");
    int number = 1;
    for (const auto pause : {10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600}) {
        EXPECT_EQ(wait(milliseconds(pause * 1000 - 1)), Words{}) << pause;
        const auto next = "disp" + std::to_string(++number);
        EXPECT_EQ(wait(milliseconds(1)), (Words{"create " + next + " of dvm"})) << pause;
        tell(event::Failed{vm(next), "no agent"});
    }
    wait(seconds(3600));
    tell(event::Paused{vm("disp" + std::to_string(number + 1))});
    EXPECT_EQ(preloads.trouble(vm("dvm")), "");
}

TEST_F(EventTable, OneThatEndsByItselfIsReplacedAfterAPause) {
    fill(1);
    EXPECT_EQ(tell(event::Gone{vm("disp1")}), (Words{"remove disp1"}));
    EXPECT_EQ(preloads.trouble(vm("dvm")), "'disp1' ended by itself");
    EXPECT_EQ(wait(seconds(10)), (Words{"create disp2 of dvm"}));
}

// Whatever becomes of one whose guest is ready for a moment only, the next comes later and later.
TEST_F(EventTable, OnesThatNeverLastAreRetriedLaterAndLater) {
    const auto booted = [](const VmName& each) { return Event(event::Booted{each}); };
    const auto paused = [](const VmName& each) { return Event(event::Paused{each}); };
    const auto fails = [](const VmName& each) { return Event(event::Failed{each, "it cannot be paused"}); };
    const auto goes = [](const VmName& each) { return Event(event::Gone{each}); };
    using Step = std::function<Event(const VmName&)>;
    for (const auto& steps : {std::vector<Step>{booted, fails}, {booted, goes}, {booted, paused, goes}}) {
        names = 0;
        preloads = Preloads([this] { return std::optional(vm("disp" + std::to_string(++names))); });
        tell(event::SettingsChanged{settings(1)});
        tell(event::Begin{});
        for (const auto pause : {10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600}) {
            const auto last = vm("disp" + std::to_string(names));
            for (const auto& step : steps) tell(step(last));
            EXPECT_NE(preloads.trouble(vm("dvm")), "");
            EXPECT_EQ(wait(milliseconds(pause * 1000 - 1)), Words{}) << pause;
            EXPECT_EQ(wait(milliseconds(1)).size(), 1U) << pause;
        }
    }
}

TEST_F(EventTable, OneThatIsReadyDoesNotHurryTheNext) {
    tell(event::SettingsChanged{settings(2)});
    tell(event::Begin{});
    tell(event::Failed{vm("disp1"), "no agent"});
    EXPECT_EQ(tell(event::Paused{vm("disp2")}), Words{});
    EXPECT_EQ(preloads.trouble(vm("dvm")), "no agent") << "why there is but one";
    EXPECT_EQ(wait(seconds(10)), (Words{"create disp3 of dvm"}));
    tell(event::Paused{vm("disp3")});
    EXPECT_EQ(preloads.trouble(vm("dvm")), "");
}

TEST_F(EventTable, OneThatHasLastedIsNoSeriesOfFailures) {
    fill(3);
    for (int round = 0; round < 3; ++round) {
        wait(lasting);
        for (const auto& each : preloads.list(vm("dvm"))) tell(event::Gone{each.disposable});
        EXPECT_EQ(wait(milliseconds(9999)), Words{});
        EXPECT_EQ(wait(milliseconds(1)).size(), 2U);
        pause_all();
    }
}

TEST_F(EventTable, NorAreFailuresLongAfterOneWasReady) {
    fill(1);
    wait(lasting);
    tell(event::Requested{vm("dvm"), 1});
    for (const auto pause : {3, 10, 20}) {
        wait(seconds(pause));
        tell(event::Failed{vm("disp" + std::to_string(names)), "no agent"});
    }
    EXPECT_EQ(wait(milliseconds(39999)), Words{});
    EXPECT_EQ(wait(milliseconds(1)), (Words{"create disp5 of dvm"}));
    tell(event::Paused{vm("disp5")});
    tell(event::Requested{vm("dvm"), 2});
    wait(lasting);
    tell(event::Failed{vm("disp6"), "no agent"});
    EXPECT_EQ(wait(seconds(10)), (Words{"create disp7 of dvm"}));
}

TEST_F(EventTable, AfterAnInterruptionOnlyWhatIsReadyAndCurrentIsKept) {
    tell(event::SettingsChanged{settings(3)});
    tell(event::ContentChanged{vm("dvm"), "one"});
    EXPECT_EQ(tell(event::Recovered{{{vm("ready"), vm("dvm"), true, "one"},
                                     {vm("old"), vm("dvm"), true, "zero"},
                                     {vm("begun"), vm("dvm"), false, "one"},
                                     {vm("orphan"), vm("removed"), true, "one"}}}),
              (Words{"remove old begun orphan"}));
    EXPECT_EQ(listed(), "ready");
    EXPECT_EQ(tell(event::Begin{}), (Words{"create disp1 of dvm", "create disp2 of dvm"}));
}

TEST_F(EventTable, AfterAnInterruptionTheExcessGoes) {
    tell(event::SettingsChanged{settings(1)});
    EXPECT_EQ(tell(event::Recovered{{{vm("a"), vm("dvm"), true, ""}, {vm("b"), vm("dvm"), true, ""}}}), (Words{"remove b"}));
}

TEST_F(EventTable, WhatIsFoundLateGoesToWhoWaits) {
    tell(event::SettingsChanged{settings(1)});
    tell(event::ContentChanged{vm("dvm"), "one"});
    EXPECT_EQ(tell(event::Begin{}), (Words{"create disp1 of dvm"}));
    EXPECT_EQ(tell(event::Requested{vm("dvm"), 1}), Words{});
    EXPECT_EQ(tell(event::Recovered{{{vm("late"), vm("dvm"), true, "one"}}}), (Words{"hand 1 late"}));
    EXPECT_EQ(listed(), "disp1+");
}

TEST_F(EventTable, AndGoesWhenTheHostSuspends) {
    tell(event::SettingsChanged{settings(1)});
    tell(event::ContentChanged{vm("dvm"), "one"});
    tell(event::HostSuspends{});
    EXPECT_EQ(tell(event::Recovered{{{vm("late"), vm("dvm"), true, "one"}}}), (Words{"remove late"}));
}

TEST_F(EventTable, HostSuspendRemovesAllAtOnceAndResumeStarts) {
    fill(2);
    tell(event::Requested{vm("dvm"), 1});
    EXPECT_EQ(tell(event::HostSuspends{}), (Words{"remove disp2"}));
    EXPECT_EQ(wait(seconds(600)), Words{});
    EXPECT_EQ(tell(event::Requested{vm("dvm"), 2}), (Words{"cold 2 dvm"}));
    tell(event::ColdStartEnded{2});
    EXPECT_EQ(tell(event::HostResumed{}), (Words{"create disp3 of dvm", "create disp4 of dvm"}));
}

TEST_F(EventTable, NothingIsPreloadedBeforeTheStandardVmsHaveStarted) {
    tell(event::SettingsChanged{settings(1)});
    EXPECT_EQ(wait(seconds(600)), Words{});
    EXPECT_EQ(tell(event::Begin{}), (Words{"create disp1 of dvm"}));
}

}  // namespace
}  // namespace varve::preload::tests
