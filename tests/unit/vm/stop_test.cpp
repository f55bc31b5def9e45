// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/waiting.h"
#include "tests/unit/vm/world.h"

#include <algorithm>
#include <future>
#include <thread>

namespace varve::vm {
namespace {

using base::Errc;
using hypervisor::StopReason;

class StopTest : public ::testing::Test {
protected:
    void SetUp() override {
        world.define("work");
        const auto started = world.machines->start(work, {});
        ASSERT_TRUE(started) << started.error().message();
        world.guest_writes("fast/work/data", "new");
    }
    void expect_committed() {
        EXPECT_EQ(world.domains(), std::vector<std::string>{});
        EXPECT_EQ(world.volume("fast/work/data").state, VolumeState::Halted);
        EXPECT_EQ(world.volume("fast/work/data").content, "new");
        EXPECT_EQ(world.volume("fast/work/data").commits, 1);
        EXPECT_EQ(world.volume("fast/work/root").commits, 0) << "nothing was written";
        EXPECT_FALSE(world.has_record("work"));
    }
    World world;
    StageLog log;
};

TEST_F(StopTest, AsksAndCommits) {
    const auto report = world.machines->stop(work, {}, log.listener());
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_FALSE(report->killed);
    EXPECT_EQ(log.lines(),
              (std::vector<std::string>{"work shutdown began", "work shutdown done", "work stop-volumes began", "work stop-volumes done"}));
    ASSERT_EQ(report->volumes.size(), 2U);
    EXPECT_FALSE(report->volumes[0].committed);
    EXPECT_TRUE(report->volumes[1].committed);
    EXPECT_EQ(report->volumes[1].revision, "2026-01-01T00:00:00Z");
    EXPECT_EQ(world.state("work"), VmState::Halted);
    expect_committed();
}

TEST_F(StopTest, KillsAfterTheDeadline) {
    world.guests.obeys_shutdown = false;
    const auto report = world.machines->stop(work, {std::chrono::milliseconds(20), true}, {});
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_TRUE(report->killed);
    expect_committed();
}

TEST_F(StopTest, LetsItRunWhenItMayNotKill) {
    world.guests.obeys_shutdown = false;
    const auto report = world.machines->stop(work, {std::chrono::milliseconds(20), false}, {});
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, Errc::TimedOut);
    EXPECT_EQ(world.state("work"), VmState::Running);
    EXPECT_EQ(world.volume("fast/work/data").state, VolumeState::Started);
    // And hears it when the guest does so later.
    world.hypervisor->guest_ends("work", StopReason::Shutdown);
    EXPECT_TRUE(world.events.wait_for("work", VmState::Halted));
    expect_committed();
}

TEST_F(StopTest, IsCalledOffBeforeAnythingIsDone) {
    ASSERT_TRUE(world.machines->pause(work));
    auto seen = VmState::Unknown;
    StopRequest request;
    request.agree = [&]() -> base::Result<> {
        seen = world.state("work");
        return base::fail(Errc::Busy, "it is needed");
    };
    const auto report = world.machines->stop(work, request, {});
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, Errc::Busy);
    EXPECT_NE(report.error().message().find("it is needed"), std::string::npos) << report.error().message();
    EXPECT_EQ(seen, VmState::Stopping) << "so that a start sees it";
    EXPECT_EQ(world.state("work"), VmState::Paused) << "it was not woken";
    EXPECT_EQ(world.volume("fast/work/data").state, VolumeState::Started);
}

TEST_F(StopTest, WakesAPausedGuestToAskIt) {
    ASSERT_TRUE(world.machines->pause(work));
    EXPECT_EQ(world.state("work"), VmState::Paused);
    EXPECT_EQ(world.machines->pause(work).error().code, Errc::Busy);
    ASSERT_TRUE(world.machines->stop(work, {}, {}));
    expect_committed();
}

TEST_F(StopTest, Kills) {
    world.guests.obeys_shutdown = false;
    const auto report = world.machines->kill(work, {});
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_TRUE(report->killed);
    expect_committed();
}

TEST_F(StopTest, FollowsAGuestThatShutsDown) {
    world.hypervisor->guest_ends("work", StopReason::Shutdown);
    ASSERT_TRUE(world.events.wait_for("work", VmState::Halted));
    expect_committed();
    EXPECT_TRUE(world.machines->start(work, {}));
}

TEST_F(StopTest, FollowsAGuestThatCrashes) {
    world.hypervisor->guest_ends("work", StopReason::Crashed);
    ASSERT_TRUE(world.events.wait_for("work", VmState::Halted));
    expect_committed();
}

TEST_F(StopTest, StartsRightAfterAShutdown) {
    world.hypervisor->guest_ends("work", StopReason::Shutdown);
    // Whether its volumes have stopped or not: it waits for them.
    const auto started = world.machines->start(work, {});
    ASSERT_TRUE(started) << started.error().message();
    EXPECT_EQ(world.state("work"), VmState::Running);
    EXPECT_EQ(world.volume("fast/work/data").content, "new");
}

TEST_F(StopTest, SaysWhichVolumeCouldNotStopAndTriesAgainAtTheNextStart) {
    world.storage->fail_next("stop fast/work/data", {Errc::NoSpace, {}, "fast/work/data has no space left"});
    const auto report = world.machines->stop(work, {}, {});
    ASSERT_FALSE(report);
    EXPECT_NE(report.error().message().find("stage 'stop-volumes': fast/work/data has no space left"), std::string::npos)
        << report.error().message();
    EXPECT_EQ(world.state("work"), VmState::Halted);
    EXPECT_EQ(world.volume("fast/work/data").uncommitted, "new");
    EXPECT_FALSE(world.machines->info(work).value().trouble.empty());
    ASSERT_TRUE(world.machines->start(work, {}));
    EXPECT_EQ(world.volume("fast/work/data").content, "new");
}

TEST_F(StopTest, KillsAGuestThatCannotBeAskedNoSoonerThanItSaid) {
    world.hypervisor->fail_next("request_shutdown", {Errc::Io, {}, "the guest is asleep"});
    // It ends by itself in that time.
    std::thread ends;
    const auto report = world.machines->stop(work, {std::chrono::seconds(10), true}, [&](const StageEvent& event) {
        if (event.stage == Stage::Shutdown && event.what == StageEvent::What::Began)
            ends = std::thread([&] {
                EXPECT_TRUE(
                    test_support::eventually([&] { return std::ranges::count(world.hypervisor->calls(), "request_shutdown") != 0; }));
                world.hypervisor->guest_ends("work", StopReason::Shutdown);
            });
    });
    ends.join();
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_FALSE(report->killed);
    expect_committed();
}

TEST_F(StopTest, KillsAGuestThatCannotBeAskedInTheEnd) {
    world.hypervisor->fail_next("request_shutdown", {Errc::Io, {}, "the guest is asleep"});
    const auto report = world.machines->stop(work, {std::chrono::milliseconds(20), true}, {});
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_TRUE(report->killed);
    expect_committed();
}

TEST_F(StopTest, SaysThatAGuestCannotBeAskedWhenItIsNotToBeKilled) {
    world.hypervisor->fail_next("request_shutdown", {Errc::Io, {}, "the guest is asleep"});
    const auto report = world.machines->stop(work, {std::chrono::minutes(10), false}, {});
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, Errc::Io);
    EXPECT_EQ(world.state("work"), VmState::Running);
}

TEST_F(StopTest, IsRefusedWhenItDoesNotRun) {
    ASSERT_TRUE(world.machines->stop(work, {}, {}));
    EXPECT_EQ(world.machines->stop(work, {}, {}).error().code, Errc::Busy);
    EXPECT_EQ(world.machines->kill(work, {}).error().code, Errc::Busy);
    EXPECT_EQ(world.machines->resume(work).error().code, Errc::Busy);
}

TEST_F(StopTest, FollowsPausesThatOthersMake) {
    const auto domain = world.machines->info(work).value().domain.value();
    ASSERT_TRUE(world.hypervisor->suspend(domain));
    EXPECT_EQ(world.state("work"), VmState::Paused);
    ASSERT_TRUE(world.machines->resume(work));
    EXPECT_EQ(world.state("work"), VmState::Running);
}

TEST_F(StopTest, TellsWhyAGuestIsPaused) {
    world.hypervisor->guest_pauses_for_space("work");
    const auto info = world.machines->info(work).value();
    EXPECT_EQ(info.state, VmState::Paused);
    EXPECT_NE(info.trouble.find("no space"), std::string::npos) << info.trouble;
}

TEST_F(StopTest, LeavesTheVolumesWhenTheHypervisorCannotBeAsked) {
    world.hypervisor->disconnect();
    const auto report = world.machines->stop(work, {std::chrono::milliseconds(20), true}, {});
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, Errc::Io);
    EXPECT_EQ(world.volume("fast/work/data").state, VolumeState::Started);
    EXPECT_EQ(world.state("work"), VmState::Running);
}

TEST_F(StopTest, NoticesWhatHappenedWhileTheHypervisorWasAway) {
    world.hypervisor->disconnect();
    world.guests.guests.clear();
    world.hypervisor->reconnect();
    ASSERT_TRUE(world.events.wait_for("work", VmState::Halted));
    expect_committed();
}

// The list of domains was made before.
TEST_F(StopTest, TakesNoneForGoneThatStartsMeanwhile) {
    world.define("other");
    world.hypervisor->disconnect();
    std::ptrdiff_t before = 0;
    const auto looks = [&] { return std::ranges::count(world.hypervisor->calls(), "find_name"); };
    std::promise<void> begun;
    world.hypervisor->after_next("domains", [&] {
        const auto started = world.machines->start(named<base::VmName>("other"), {});
        EXPECT_TRUE(started) << started.error().message();
        before = looks();
        begun.set_value();
    });
    world.hypervisor->reconnect();
    begun.get_future().wait();
    EXPECT_TRUE(test_support::eventually([&] { return looks() == before + 2; })) << "both are looked at by name";
    EXPECT_EQ(world.state("other"), VmState::Running);
    EXPECT_EQ(world.volume("fast/other/data").state, VolumeState::Started);
}

TEST_F(StopTest, ListsEverybody) {
    world.define("other");
    const auto all = world.machines->list();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].name.str(), "other");
    EXPECT_EQ(all[0].state, VmState::Halted);
    EXPECT_EQ(all[1].state, VmState::Running);
    EXPECT_TRUE(all[1].domain);
    EXPECT_EQ(world.machines->info(named<base::VmName>("nobody")).error().code, Errc::NotFound);
}

}  // namespace
}  // namespace varve::vm
