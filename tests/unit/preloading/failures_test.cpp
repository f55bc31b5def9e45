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
    makers->end_fails = true;
    set("dvm", "preload-dispvm-max", "0");
    EXPECT_EQ(reports, std::vector<std::string>{"disp1: it does not go"});
    EXPECT_FALSE(preloading->holds(vm("disp1"))) << "people see it";
    EXPECT_EQ(handed(), "cold");
    makers->end_fails = false;
    restart();
    EXPECT_TRUE(exists("disp1"));
}

TEST_F(PreloadingFailures, WhileTheHypervisorDoesNotAnswerItsEndIsTriedAgain) {
    fill("1");
    makers->end_fails = true;
    machines->become(vm("disp1"), vm::VmState::Unknown);
    set("dvm", "preload-dispvm-max", "0");
    EXPECT_TRUE(preloading->holds(vm("disp1")));
    makers->end_fails = false;
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
