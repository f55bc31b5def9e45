// SPDX-License-Identifier: LGPL-2.1-or-later
// Each action may fail: what comes of it.
#include "tests/unit/preloading/world.h"

#include <fstream>

namespace varve::preloading::tests {
namespace {

using PreloadingFailures = World;

TEST_F(PreloadingFailures, OneThatCannotBeMadeIsTriedLaterAndLater) {
    makers->make_fails = true;
    fill("1");
    EXPECT_EQ(listed(), "");
    EXPECT_EQ(status().trouble, "the pool is full");
    EXPECT_EQ(makers->names, 1);
    loop->pass(seconds(10));
    EXPECT_EQ(makers->names, 2);
    loop->pass(seconds(19));
    EXPECT_EQ(makers->names, 2);
    makers->make_fails = false;
    loop->pass(seconds(1));
    EXPECT_EQ(listed(), "disp3");
    EXPECT_EQ(status().trouble, "");
}

TEST_F(PreloadingFailures, OneThatIsNeverReadyIsRemovedAndItsReasonShown) {
    machines->start_fails_late = true;
    fill("1");
    EXPECT_EQ(listed(), "");
    EXPECT_EQ(status().trouble, "the guest was never ready");
    EXPECT_FALSE(exists("disp1"));
    EXPECT_FALSE(preloading->holds(vm("disp1")));
}

TEST_F(PreloadingFailures, ARequestThatWaitsForItStartsCold) {
    machines->start_fails = true;
    const auto answer = request_while_one_is_made();
    loop->release();
    loop->run();
    EXPECT_EQ(*answer, "cold");
}

TEST_F(PreloadingFailures, OneThatCannotBePausedIsRemoved) {
    machines->pause_fails = true;
    fill("1");
    EXPECT_EQ(status().trouble, "it cannot be paused");
    EXPECT_FALSE(exists("disp1"));
}

TEST_F(PreloadingFailures, WhatCannotBeEndedIsNobodysAndToldOfOnce) {
    fill("1");
    makers->end_fails = base::Errc::Denied;
    set("dvm", "preload-dispvm-max", "0");
    EXPECT_EQ(reports, std::vector<std::string>{"disp1: it does not go"});
    EXPECT_FALSE(preloading->holds(vm("disp1"))) << "people see it";
    EXPECT_EQ(handed(), "cold");
    makers->end_fails.reset();
    restart();
    EXPECT_TRUE(exists("disp1"));
}

// An end that failed leaves the state as it was: nothing tells of the hypervisor's return.
TEST_F(PreloadingFailures, WhatTheHypervisorDoesNotEndIsTriedAgainNowAndThen) {
    fill("2");
    makers->end_fails = base::Errc::Io;
    set("dvm", "preload-dispvm-max", "0");
    EXPECT_TRUE(preloading->holds(vm("disp1"))) << "nobody sees it";
    loop->pass(std::chrono::minutes(5));
    EXPECT_TRUE(preloading->holds(vm("disp2")));
    EXPECT_EQ(records().size(), 2U) << "for the next orchestrator";
    EXPECT_EQ(makers->ends, 2 + 2 * 10);
    EXPECT_EQ(reports.size(), 2U) << "told once of each";
    makers->end_fails.reset();
    loop->pass(between_end_tries);
    EXPECT_FALSE(exists("disp1"));
    EXPECT_FALSE(exists("disp2"));
    EXPECT_FALSE(preloading->holds(vm("disp1")));
    EXPECT_TRUE(records().empty());
    loop->pass(std::chrono::hours(1));
    EXPECT_EQ(makers->ends, 2 + 2 * 11);
}

TEST_F(PreloadingFailures, AndWhatSomebodyElseIsAboutTo) {
    fill("1");
    makers->end_fails = base::Errc::Busy;
    set("dvm", "preload-dispvm-max", "0");
    EXPECT_TRUE(preloading->holds(vm("disp1")));
    makers->end_fails.reset();
    loop->pass(between_end_tries);
    EXPECT_FALSE(exists("disp1"));
}

TEST_F(PreloadingFailures, WhatCannotBeEndedThenForAnotherReasonIsLeftToPeople) {
    fill("1");
    makers->end_fails = base::Errc::Io;
    set("dvm", "preload-dispvm-max", "0");
    makers->end_fails = base::Errc::Denied;
    loop->pass(between_end_tries);
    EXPECT_FALSE(preloading->holds(vm("disp1")));
    EXPECT_EQ(reports.size(), 2U);
    EXPECT_TRUE(records().empty());
}

TEST_F(PreloadingFailures, ASuspendDoesNotWaitForAHypervisorThatDoesNotAnswer) {
    fill("1");
    makers->end_fails = base::Errc::Io;
    bool gone = false;
    preloading->suspend([&] { gone = true; });
    loop->run();
    EXPECT_TRUE(gone);
    EXPECT_TRUE(preloading->holds(vm("disp1")));
}

TEST_F(PreloadingFailures, WhileTheHypervisorDoesNotAnswerItsEndIsTriedAgain) {
    fill("1");
    makers->end_fails = base::Errc::Busy;
    machines->become(vm("disp1"), vm::VmState::Unknown);
    set("dvm", "preload-dispvm-max", "0");
    EXPECT_TRUE(preloading->holds(vm("disp1")));
    makers->end_fails.reset();
    machines->become(vm("disp1"), vm::VmState::Paused);
    loop->run();
    EXPECT_FALSE(exists("disp1"));
    EXPECT_FALSE(preloading->holds(vm("disp1")));
}

TEST_F(PreloadingFailures, ARecordThatCannotBeWrittenMakesNone) {
    std::filesystem::remove_all(directory / "preloads");
    std::ofstream(directory / "preloads").flush();
    fill("1");
    EXPECT_EQ(listed(), "");
    EXPECT_NE(status().trouble, "");
    EXPECT_FALSE(exists("disp1"));
}

}  // namespace
}  // namespace varve::preloading::tests
