// SPDX-License-Identifier: LGPL-2.1-or-later
// A VM runs where it was started, whatever its definition or the configuration have come to say since.
#include "tests/unit/vm/world.h"

namespace varve::vm {
namespace {

class ElsewhereTest : public ::testing::Test {
protected:
    void SetUp() override {
        world.define("work");
        ASSERT_TRUE(world.machines->start(work, {}));
        world.guest_writes("fast/work/data", "new");
        const auto changed = world.definitions->set(work, {{"hypervisor", "test:///elsewhere"}});
        ASSERT_TRUE(changed) << changed.error().message();
    }
    void expect_guest_untouched() {
        EXPECT_EQ(world.domains(), std::vector<std::string>{"work"});
        EXPECT_EQ(world.volume("fast/work/data").state, VolumeState::Started);
        EXPECT_EQ(world.volume("fast/work/data").commits, 0);
    }
    // Ends where it was started, and the next session is where the definition says.
    void expect_end_here_and_start_elsewhere() {
        const auto stopped = world.machines->stop(work, {}, {});
        ASSERT_TRUE(stopped) << stopped.error().message();
        EXPECT_EQ(world.domains(), std::vector<std::string>{});
        EXPECT_EQ(world.volume("fast/work/data").content, "new");
        const auto again = world.machines->start(work, {});
        ASSERT_TRUE(again) << again.error().message();
        EXPECT_EQ(world.domains(), std::vector<std::string>{});
        EXPECT_EQ(world.guests_elsewhere.guests.size(), 1U);
        EXPECT_TRUE(world.machines->kill(work, {}));
        EXPECT_EQ(world.guests_elsewhere.guests.size(), 0U);
    }
    World world;
};

TEST_F(ElsewhereTest, AStopEndsTheGuestThatRuns) {
    expect_guest_untouched();
    expect_end_here_and_start_elsewhere();
}

TEST_F(ElsewhereTest, AKillDoesToo) {
    const auto killed = world.machines->kill(work, {});
    ASSERT_TRUE(killed) << killed.error().message();
    EXPECT_EQ(world.domains(), std::vector<std::string>{});
    EXPECT_EQ(world.volume("fast/work/data").content, "new");
}

TEST_F(ElsewhereTest, WhatIsAskedReachesTheGuest) {
    ASSERT_TRUE(world.machines->pause(work));
    ASSERT_TRUE(world.machines->resume(work));
    EXPECT_TRUE(world.machines->memory(work));
    EXPECT_TRUE(world.machines->set_memory(work, base::Bytes{std::uint64_t{256} << 20}));
    const auto disks = world.machines->disks(work);
    ASSERT_TRUE(disks) << disks.error().message();
    EXPECT_EQ(disks->size(), 2U);
    EXPECT_TRUE(world.machines->set_networks(work, {}));
    EXPECT_TRUE(world.machines->commit(work));
    EXPECT_EQ(world.elsewhere->calls(), std::vector<std::string>{});
}

TEST_F(ElsewhereTest, TheOtherHypervisorsWordsSayNothingOfIt) {
    world.elsewhere->disconnect();
    world.elsewhere->reconnect();
    (void)world.machines->hypervisor(definitions::HypervisorUri::parse("test:///elsewhere").value());
    world.hypervisor->reconnect();
    expect_guest_untouched();
    expect_end_here_and_start_elsewhere();
}

TEST_F(ElsewhereTest, TheNextOrchestratorFindsItThere) {
    world.start_orchestrator();
    const auto repaired = world.machines->recover();
    ASSERT_EQ(repaired.size(), 1U);
    EXPECT_EQ(repaired[0].repair, Repair::Adopt);
    EXPECT_EQ(world.state("work"), VmState::Running);
    expect_guest_untouched();
    expect_end_here_and_start_elsewhere();
}

TEST_F(ElsewhereTest, AlsoWhenTheConfigurationNamesAnother) {
    world.settings.default_hypervisor = "test:///elsewhere";
    ASSERT_TRUE(world.definitions->set(work, {{"hypervisor", ""}}));
    world.start_orchestrator();
    (void)world.machines->recover();
    EXPECT_EQ(world.state("work"), VmState::Running);
    // What the one elsewhere tells of its domains, work is none of.
    world.elsewhere->disconnect();
    world.elsewhere->reconnect();
    expect_guest_untouched();
    expect_end_here_and_start_elsewhere();
}

TEST_F(ElsewhereTest, AStartThatWasCutOffIsUndoneThere) {
    ASSERT_TRUE(world.machines->stop(work, {}, {}));
    ASSERT_TRUE(world.definitions->set(work, {{"hypervisor", ""}}));
    // After the domain was created, before it ran: record, two volumes, domain.
    world.faults->die_at(4, fakes::Faults::Moment::After, fakes::Faults::Calls::Changing);
    (void)world.machines->start(work, {});
    ASSERT_TRUE(world.faults->dead());
    ASSERT_TRUE(world.definitions->set(work, {{"hypervisor", "test:///elsewhere"}}));
    world.start_orchestrator();
    (void)world.machines->recover();
    EXPECT_EQ(world.state("work"), VmState::Halted);
    EXPECT_EQ(world.domains(), std::vector<std::string>{});
    EXPECT_EQ(world.volume("fast/work/data").state, VolumeState::Halted);
}

}  // namespace
}  // namespace varve::vm
