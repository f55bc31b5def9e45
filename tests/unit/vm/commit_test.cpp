// SPDX-License-Identifier: LGPL-2.1-or-later
// Committing a VM that runs on: with and without an agent, and what fails.
#include "tests/unit/vm/world.h"

#include <algorithm>

namespace varve::vm {
namespace {

using base::Errc;

class CommitTest : public testing::Test {
protected:
    void SetUp() override {
        world.define("work");
        ASSERT_TRUE(world.machines->start(work, {}));
        world.hypervisor->agent_connects("work");
        world.guest_writes("fast/work/data", "new");
    }
    bool frozen() {
        const std::scoped_lock lock(world.guests.mutex);
        return std::ranges::any_of(world.guests.guests, [](const auto& guest) { return guest.second.frozen; });
    }
    void expect_running() {
        EXPECT_EQ(world.state("work"), VmState::Running);
        EXPECT_EQ(world.volume("fast/work/data").state, VolumeState::Started);
        EXPECT_FALSE(frozen());
    }

    World world;
};

TEST_F(CommitTest, FreezesCommitsAndThaws) {
    const auto report = world.machines->commit(work);
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_TRUE(report->frozen);
    EXPECT_EQ(report->not_frozen, "");
    ASSERT_EQ(report->volumes.size(), 2U);
    EXPECT_FALSE(report->volumes[0].committed);
    EXPECT_TRUE(report->volumes[1].committed);
    EXPECT_EQ(report->volumes[1].revision, "2026-01-01T00:00:00Z");
    EXPECT_EQ(world.volume("fast/work/data").content, "new");
    const auto calls = world.hypervisor->calls();
    EXPECT_LT(std::ranges::find(calls, "freeze"), std::ranges::find(calls, "thaw"));
    expect_running();
}

TEST_F(CommitTest, AnAgentThatDoesNotAnswerIsToldAndThawedAllTheSame) {
    world.hypervisor->fail_next("freeze", {Errc::TimedOut, {}, "no answer"});
    const auto report = world.machines->commit(work);
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_FALSE(report->frozen);
    EXPECT_EQ(report->not_frozen, "no answer");
    EXPECT_EQ(world.volume("fast/work/data").content, "new");
    EXPECT_EQ(std::ranges::count(world.hypervisor->calls(), "thaw"), 1) << "it may have frozen them later";
    expect_running();
}

TEST_F(CommitTest, AnAgentThatAnswersNothingMoreIsTold) {
    world.hypervisor->fail_next("freeze", {Errc::TimedOut, {}, "no answer"});
    world.hypervisor->fail_next("thaw", {Errc::TimedOut, {}, "no answer"});
    const auto failed = world.machines->commit(work);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Errc::Degraded) << "it may still freeze";
    EXPECT_EQ(world.volume("fast/work/data").content, "new");
}

TEST_F(CommitTest, AGuestWithoutAnAgentIsAskedNothing) {
    world.hypervisor->fail_next("ping_agent", {Errc::TimedOut, {}, "it has no agent"});
    const auto report = world.machines->commit(work);
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_EQ(report->not_frozen, "it has no agent");
    EXPECT_EQ(std::ranges::count(world.hypervisor->calls(), "freeze"), 0);
    EXPECT_EQ(world.volume("fast/work/data").content, "new");
}

TEST_F(CommitTest, AVolumeThatFailsThawsTheGuest) {
    world.storage->fail_next("commit fast/work/data", {Errc::NoSpace, {}, "the pool is full"});
    world.guest_writes("fast/work/root", "root");
    const auto failed = world.machines->commit(work);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Errc::NoSpace);
    EXPECT_NE(failed.error().message().find("fast/work/data"), std::string::npos) << failed.error().message();
    EXPECT_NE(failed.error().message().find("fast/work/root is committed"), std::string::npos) << failed.error().message();
    expect_running();
}

TEST_F(CommitTest, AGuestThatStaysFrozenIsTold) {
    world.hypervisor->fail_next("thaw", {Errc::TimedOut, {}, "no answer"});
    const auto failed = world.machines->commit(work);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Errc::Degraded);
    EXPECT_NE(failed.error().message().find("may be frozen"), std::string::npos) << failed.error().message();
    EXPECT_EQ(world.volume("fast/work/data").content, "new");
}

// ---- killed meanwhile

TEST_F(CommitTest, TheNextOrchestratorThawsWhatAKilledOneLeftFrozen) {
    std::size_t frozen_at = 0;
    for (std::size_t call = 1;; ++call) {
        World killed;
        killed.define("work");
        ASSERT_TRUE(killed.machines->start(work, {}));
        killed.hypervisor->agent_connects("work");
        killed.faults->die_at(call, fakes::Faults::Moment::After, fakes::Faults::Calls::Changing);
        (void)killed.machines->commit(work);
        if (!killed.faults->dead()) break;
        const bool left = killed.guests.guests.begin()->second.frozen;
        frozen_at += left ? 1 : 0;
        killed.start_orchestrator();
        const auto repaired = killed.machines->recover();
        SCOPED_TRACE("killed at call " + std::to_string(call));
        ASSERT_EQ(repaired.size(), 1U);
        EXPECT_EQ(repaired[0].trouble, "");
        if (left) {
            EXPECT_NE(repaired[0].remark, "");
        }
        EXPECT_FALSE(killed.guests.guests.begin()->second.frozen);
        // Once.
        killed.start_orchestrator();
        EXPECT_EQ(killed.machines->recover().at(0).remark, "");
        EXPECT_EQ(std::ranges::count(killed.hypervisor->calls(), "thaw"), 0);
    }
    EXPECT_GE(frozen_at, 3U) << "the freeze, and two commits";
}

TEST_F(CommitTest, AGuestThatTheNextOrchestratorCannotThawIsTold) {
    world.faults->die_at(2, fakes::Faults::Moment::After, fakes::Faults::Calls::Changing);
    (void)world.machines->commit(work);
    ASSERT_TRUE(frozen());
    world.start_orchestrator();
    world.hypervisor->fail_next("thaw", {Errc::TimedOut, {}, "no answer"});
    EXPECT_NE(world.machines->recover().at(0).trouble.find("may be frozen"), std::string::npos);
    EXPECT_EQ(world.state("work"), VmState::Running);
    EXPECT_NE(world.machines->info(work)->trouble.find("virsh domfsthaw"), std::string::npos);
    world.start_orchestrator();
    EXPECT_NE(world.machines->recover().at(0).remark, "");
    expect_running();
}

TEST_F(CommitTest, APausedGuestIsNotAsked) {
    ASSERT_TRUE(world.machines->pause(work));
    const auto report = world.machines->commit(work);
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_EQ(report->not_frozen, "it is paused");
    EXPECT_EQ(std::ranges::count(world.hypervisor->calls(), "freeze"), 0);
    EXPECT_EQ(world.volume("fast/work/data").content, "new");
}

TEST_F(CommitTest, AHaltedVmIsRefused) {
    ASSERT_TRUE(world.machines->stop(work, {}, {}));
    EXPECT_FALSE(world.machines->commit(work));
    EXPECT_EQ(world.machines->commit(named<base::VmName>("nobody")).error().code, Errc::NotFound);
}

}  // namespace
}  // namespace varve::vm
