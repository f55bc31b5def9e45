// SPDX-License-Identifier: LGPL-2.1-or-later
// Requests: who gets what.
#include "tests/unit/preloading/world.h"

#include <set>

namespace varve::preloading::tests {
namespace {

using PreloadingRequests = World;

TEST_F(PreloadingRequests, GetTheOldestReadyOneRunning) {
    fill("2");
    EXPECT_EQ(handed(), "disp1");
    EXPECT_EQ(state("disp1"), vm::VmState::Running);
    EXPECT_FALSE(preloading->holds(vm("disp1")));
    EXPECT_EQ(listed(), "disp2");
    loop->pass(seconds(3));
    EXPECT_EQ(listed(), "disp2 disp3");
    EXPECT_TRUE(exists("disp1"));
}

TEST_F(PreloadingRequests, WithoutAQueueStartCold) {
    EXPECT_EQ(handed(), "cold");
    const auto answer = request("fedora");
    loop->run();
    EXPECT_EQ(*answer, "cold");
}

TEST_F(PreloadingRequests, GetABootedOneWhosePauseIsSkipped) {
    const auto answer = request_while_one_is_made();
    EXPECT_EQ(*answer, "open") << "it waits for the one in progress";
    loop->release();
    loop->run();
    EXPECT_EQ(*answer, "disp1");
    EXPECT_EQ(state("disp1"), vm::VmState::Running);
}

TEST_F(PreloadingRequests, WaitNoLongerThanAColdStartTakes) {
    const auto answer = request_while_one_is_made();
    loop->pass(seconds(14));
    EXPECT_EQ(*answer, "open");
    loop->pass(seconds(2));
    EXPECT_EQ(*answer, "cold");
}

TEST_F(PreloadingRequests, ABurstIsNeverHeldUp) {
    fill("4");
    std::vector<std::shared_ptr<std::string>> answers;
    for (int i = 0; i < 12; ++i) answers.push_back(request());
    loop->run();
    std::multiset<std::string> got;
    for (const auto& answer : answers) got.insert(*answer);
    EXPECT_EQ(got.count("cold"), 8U);
    EXPECT_EQ(std::set(got.begin(), got.end()).size(), 5U) << "nobody gets another's";
    // The refill waits for those that start cold.
    loop->pass(seconds(10));
    EXPECT_EQ(listed(), "");
    for (const auto request : requests) preloading->cold_start_ended(request);
    loop->pass(seconds(10));
    EXPECT_NE(listed(), "");
}

TEST_F(PreloadingRequests, AFailedHandOverTriesTheNext) {
    fill("2");
    const auto answer = request();
    machines->become(vm("disp1"), vm::VmState::Stopping);
    loop->run();
    EXPECT_EQ(*answer, "disp2");
    loop->pass(seconds(2));
    EXPECT_FALSE(exists("disp1"));
}

TEST_F(PreloadingRequests, OneDoesNotUseUpTheQueueWhileTheHypervisorDoesNotAnswer) {
    fill("3");
    machines->resume_fails = true;
    EXPECT_EQ(handed(), "cold");
    EXPECT_EQ(reports, std::vector<std::string>{"disp1: it cannot be resumed"});
    EXPECT_EQ(listed(), "disp2 disp3");
    loop->pass(seconds(2));
    EXPECT_FALSE(exists("disp1"));
    machines->resume_fails = false;
    EXPECT_EQ(handed(), "disp2");
}

TEST_F(PreloadingRequests, OneWhoseResumeFailedIsEndedThoughItRuns) {
    fill("1");
    machines->resume_fails = true;
    EXPECT_EQ(handed(), "cold");
    machines->become(vm("disp1"), vm::VmState::Running);
    loop->pass(seconds(2));
    EXPECT_FALSE(exists("disp1"));
}

TEST_F(PreloadingRequests, TheGuestGetsItsMemoryBack) {
    fill("1");
    const base::Bytes whole{std::uint64_t{1} << 30};
    machines->has = vm::GuestMemory{{std::uint64_t{300} << 20}, std::nullopt};
    EXPECT_EQ(handed(), "disp1");
    EXPECT_EQ(machines->asked_memory, std::vector{whole});
}

TEST_F(PreloadingRequests, AlsoOneThatHasNotGivenYetWhatItWasAskedFor) {
    fill("1");
    const base::Bytes whole{std::uint64_t{1} << 30};
    machines->has = vm::GuestMemory{whole, std::nullopt};
    EXPECT_EQ(handed(), "disp1");
    EXPECT_EQ(machines->asked_memory, std::vector{whole});
}

TEST_F(PreloadingRequests, DoNotGetOneThatSomebodyElseResumesAtThatMoment) {
    fill("2");
    const auto answer = request();
    ASSERT_TRUE(machines->resume(vm("disp1")));
    loop->run();
    EXPECT_EQ(*answer, "disp2");
    EXPECT_EQ(state("disp2"), vm::VmState::Running);
    loop->pass(seconds(2));
    EXPECT_TRUE(exists("disp1")) << "it is somebody's";
    EXPECT_FALSE(preloading->holds(vm("disp1")));
    EXPECT_EQ(reports, std::vector<std::string>());
}

TEST_F(PreloadingRequests, AnEndAnswersThem) {
    set("dvm", "preload-dispvm-max", "1");
    loop->hold(Work::Long);
    preloading->begin();
    loop->run();
    const auto open = request();
    loop->run();
    preloading->stop();
    EXPECT_EQ(*open, "the orchestrator ends");
    EXPECT_EQ(*request(), "the orchestrator ends");
}

}  // namespace
}  // namespace varve::preloading::tests
