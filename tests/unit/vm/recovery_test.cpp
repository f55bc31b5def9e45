// SPDX-License-Identifier: LGPL-2.1-or-later
// kill -9 at every call, and what the next orchestrator makes of it.
#include "orchestrator/vm/recovery.h"

#include "tests/unit/vm/world.h"

#include <algorithm>

namespace varve::vm {
namespace {

using fakes::Faults;
using hypervisor::DomainState;
using Phase = SessionRecord::Phase;

// ---- the decision

TEST(Decide, HasARowForEverything) {
    struct Row {
        std::optional<Phase> record;
        std::optional<DomainState> domain;
        Repair repair;
    };
    const std::vector<Row> table{
        {{}, {}, Repair::Nothing},
        {{}, DomainState::Running, Repair::Adopt},
        {{}, DomainState::Paused, Repair::Adopt},
        {Phase::Starting, {}, Repair::Undo},
        {Phase::Starting, DomainState::Paused, Repair::Undo},
        {Phase::Starting, DomainState::Running, Repair::Adopt},
        {Phase::Resuming, {}, Repair::FinishStop},
        {Phase::Resuming, DomainState::Paused, Repair::GoOn},
        {Phase::Resuming, DomainState::Running, Repair::Adopt},
        {Phase::Running, {}, Repair::FinishStop},
        {Phase::Running, DomainState::Paused, Repair::Adopt},
        {Phase::Running, DomainState::Running, Repair::Adopt},
        {Phase::Running, DomainState::Stopping, Repair::Adopt},
    };
    for (const auto& row : table)
        EXPECT_EQ(name_of(decide(row.record, row.domain)), name_of(row.repair))
            << "record " << (row.record ? static_cast<int>(*row.record) : -1) << ", domain "
            << (row.domain ? static_cast<int>(*row.domain) : -1);
}

// ---- killed anywhere

void expect_whole(World& world, const std::string& where) {
    SCOPED_TRACE(where);
    const auto state = world.state("work");
    const auto executed = std::ranges::count(world.guests.ever_executed, "work");
    const bool there = std::ranges::count(world.domains(), "work") == 1;
    EXPECT_LE(executed, 1) << "nothing runs twice";
    EXPECT_EQ(there, state == VmState::Running);
    EXPECT_TRUE(state == VmState::Running || state == VmState::Halted) << name_of(state);
    for (const auto* volume : {"fast/work/root", "fast/work/data"}) {
        EXPECT_EQ(world.volume(volume).state, there ? VolumeState::Started : VolumeState::Halted) << volume;
        if (executed == 0) {
            EXPECT_EQ(world.volume(volume).content, "old") << volume;
        }
    }
    EXPECT_EQ(world.has_record("work"), there);
}

TEST(Killed, DuringAStartLeavesAllOrNothing) {
    std::size_t points = 0;
    for (const auto moment : {Faults::Moment::Before, Faults::Moment::After})
        for (std::size_t call = 1;; ++call) {
            World world;
            world.define("work");
            world.faults->die_at(call, moment, Faults::Calls::Changing);
            const auto started = world.machines->start(work, {});
            if (!world.faults->dead()) {
                EXPECT_TRUE(started) << started.error().message();
                break;
            }
            ++points;
            world.start_orchestrator();
            (void)world.machines->recover();
            expect_whole(world, "killed at call " + std::to_string(call));
            // And it is a VM like any other.
            if (world.state("work") == VmState::Halted) {
                const auto again = world.machines->start(work, {});
                ASSERT_TRUE(again) << again.error().message();
            }
            world.guest_writes("fast/work/data", "new");
            const auto stopped = world.machines->stop(work, {}, {});
            ASSERT_TRUE(stopped) << stopped.error().message();
            EXPECT_EQ(world.volume("fast/work/data").content, "new");
        }
    EXPECT_GE(points, 12U) << "record, two volumes, create, record, resume, record: before and after each";
}

TEST(Killed, DuringTheRecoveryOfAStartToo) {
    for (std::size_t first = 1; first <= 6; ++first)
        for (std::size_t second = 1;; ++second) {
            World world;
            world.define("work");
            world.faults->die_at(first, Faults::Moment::After, Faults::Calls::Changing);
            (void)world.machines->start(work, {});
            world.start_orchestrator();
            world.faults->die_at(second, Faults::Moment::After, Faults::Calls::Changing);
            (void)world.machines->recover();
            const bool dead = world.faults->dead();
            world.start_orchestrator();
            (void)world.machines->recover();
            expect_whole(world, "killed at call " + std::to_string(first) + ", then at call " + std::to_string(second));
            if (!dead) break;
        }
}

TEST(Killed, DuringAStopKeepsWhatTheGuestWrote) {
    for (const auto moment : {Faults::Moment::Before, Faults::Moment::After})
        for (std::size_t call = 1;; ++call) {
            World world;
            world.define("work");
            ASSERT_TRUE(world.machines->start(work, {}));
            world.guest_writes("fast/work/data", "new");
            world.faults->die_at(call, moment, Faults::Calls::Changing);
            (void)world.machines->stop(work, {std::chrono::milliseconds(100), true}, {});  // who cannot be asked has that time
            const bool dead = world.faults->dead();
            world.start_orchestrator();
            (void)world.machines->recover();
            SCOPED_TRACE("killed at call " + std::to_string(call));
            if (world.state("work") == VmState::Running) {
                ASSERT_TRUE(world.machines->stop(work, {}, {}));
            }
            EXPECT_EQ(world.state("work"), VmState::Halted);
            EXPECT_EQ(world.volume("fast/work/data").content, "new");
            EXPECT_EQ(world.volume("fast/work/data").commits, 1);
            EXPECT_FALSE(world.has_record("work"));
            if (!dead) break;
        }
}

TEST(Killed, WithADirtyVolumeNeverCommitsIt) {
    for (std::size_t call = 1; call <= 4; ++call) {
        World world;
        world.define("work");
        world.volumes.volumes["fast/work/data"].state = VolumeState::Dirty;
        world.volumes.volumes["fast/work/data"].uncommitted = "half done";
        world.faults->die_at(call, Faults::Moment::After, Faults::Calls::Changing);
        (void)world.machines->start(work, {});
        world.start_orchestrator();
        (void)world.machines->recover();
        SCOPED_TRACE("killed at call " + std::to_string(call));
        EXPECT_EQ(world.volume("fast/work/data").content, "old");
        EXPECT_EQ(world.volume("fast/work/data").uncommitted, "half done");
        ASSERT_TRUE(world.machines->start(work, {}));
        ASSERT_TRUE(world.machines->stop(work, {}, {}));
        EXPECT_EQ(world.volume("fast/work/data").content, "half done") << "that stop was asked for";
    }
}

// ---- away for a while

class AwayTest : public ::testing::Test {
protected:
    void SetUp() override {
        world.define("work");
        ASSERT_TRUE(world.machines->start(work, {}));
        world.guest_writes("fast/work/data", "new");
        world.end_orchestrator();
    }
    World world;
};

TEST_F(AwayTest, FindsWhatRuns) {
    world.start_orchestrator();
    const auto repaired = world.machines->recover();
    ASSERT_EQ(repaired.size(), 1U);
    EXPECT_EQ(repaired[0].repair, Repair::Adopt);
    EXPECT_EQ(world.state("work"), VmState::Running);
    // Still looked after.
    world.hypervisor->guest_ends("work", hypervisor::StopReason::Shutdown);
    ASSERT_TRUE(world.events.wait_for("work", VmState::Halted));
    EXPECT_EQ(world.volume("fast/work/data").content, "new");
}

TEST_F(AwayTest, FinishesTheStopOfAGuestThatWent) {
    world.guests.guests.clear();
    world.start_orchestrator();
    const auto repaired = world.machines->recover();
    ASSERT_EQ(repaired.size(), 1U);
    EXPECT_EQ(repaired[0].repair, Repair::FinishStop);
    EXPECT_EQ(world.volume("fast/work/data").content, "new");
    EXPECT_EQ(world.volume("fast/work/data").state, VolumeState::Halted);
}

TEST_F(AwayTest, CommitsNothingAfterAReboot) {
    world.guests.guests.clear();
    for (auto& [name, volume] : world.volumes.volumes) volume.state = VolumeState::Dirty;
    world.start_orchestrator();
    (void)world.machines->recover();
    EXPECT_EQ(world.state("work"), VmState::Halted);
    EXPECT_EQ(world.volume("fast/work/data").state, VolumeState::Dirty);
    EXPECT_EQ(world.volume("fast/work/data").content, "old");
    ASSERT_TRUE(world.machines->start(work, {}));
    EXPECT_EQ(world.volume("fast/work/data").uncommitted, "new");
}

// ---- disposables after a reboot

class RebootedTest : public ::testing::Test {
protected:
    // One volume is as those of disposables are; the other keeps what is written, which nobody asked to drop.
    void SetUp() override {
        world.define("fedora", [](definitions::VmDefinition& vm) { vm.vm_class = definitions::TemplateVm{}; });
        world.define("dvm", [](definitions::VmDefinition& vm) {
            vm.vm_class = definitions::AppVm{named<base::VmName>("fedora"), definitions::DisposableSettings{}};
        });
        world.define("work", [](definitions::VmDefinition& vm) {
            vm.vm_class = definitions::DisposableVm{named<base::VmName>("dvm"), true};
        });
        world.volumes.volumes["fast/work/root"].kept = false;
        ASSERT_TRUE(world.machines->start(work, {}));
        world.guest_writes("fast/work/root", "secret");
        world.guest_writes("fast/work/data", "new");
        world.end_orchestrator();
        world.guests.guests.clear();
        world.volumes.records.clear();
        dirty("fast/work/root");
    }
    void dirty(const std::string& volume) { world.volumes.volumes[volume].state = VolumeState::Dirty; }
    void halted(const std::string& volume) { world.volumes.volumes[volume].state = VolumeState::Halted; }
    void boot() {
        world.start_orchestrator();
        (void)world.machines->recover();
    }
    World world;
};

TEST_F(RebootedTest, ADisposableStartsAnew) {
    halted("fast/work/data");
    boot();
    ASSERT_TRUE(world.machines->start(work, {}));
    EXPECT_EQ(world.volume("fast/work/root").uncommitted, "old");
    ASSERT_TRUE(world.machines->kill(work, {}));
    EXPECT_EQ(world.volume("fast/work/root").content, "old");
}

TEST_F(RebootedTest, ADisposableCanBeRemoved) {
    halted("fast/work/data");
    boot();
    const auto removed = world.machines->remove(work);
    ASSERT_TRUE(removed) << removed.error().message();
    EXPECT_FALSE(world.volumes.volumes.contains("fast/work/root"));
    EXPECT_FALSE(world.machines->info(work));
}

TEST_F(RebootedTest, WhatAVolumeWouldKeepIsDroppedUnaskedNeitherByAStartNorByARemoval) {
    dirty("fast/work/data");
    boot();
    EXPECT_EQ(world.machines->remove(work).error().code, base::Errc::Busy);
    ASSERT_TRUE(world.machines->start(work, {}));
    EXPECT_EQ(world.volume("fast/work/data").uncommitted, "new");
    EXPECT_EQ(world.volume("fast/work/root").uncommitted, "old");
}

TEST_F(RebootedTest, AStartedVolumeIsLeftAlone) {
    halted("fast/work/data");
    world.volumes.volumes["fast/work/root"].state = VolumeState::Started;
    boot();
    EXPECT_EQ(world.machines->remove(work).error().code, base::Errc::Busy);
    EXPECT_EQ(world.volume("fast/work/root").uncommitted, "secret");
}

TEST_F(RebootedTest, WhatOtherVmsLeftIsGoneOnWith) {
    world.define("other");
    for (const auto* volume : {"fast/other/root", "fast/other/data"}) {
        world.volumes.volumes[volume].kept = false;
        world.guest_writes(volume, "half done");
        dirty(volume);
    }
    boot();
    EXPECT_EQ(world.machines->remove(other).error().code, base::Errc::Busy);
    ASSERT_TRUE(world.machines->start(other, {}));
    EXPECT_EQ(world.volume("fast/other/root").uncommitted, "half done");
}

TEST_F(AwayTest, LeavesVolumesThatSomebodyStartedByHand) {
    world.guests.guests.clear();
    world.volumes.records.clear();
    world.start_orchestrator();
    EXPECT_TRUE(world.machines->recover().empty());
    EXPECT_EQ(world.volume("fast/work/data").state, VolumeState::Started);
}

TEST_F(AwayTest, AdoptsItsDomainWithoutARecord) {
    world.volumes.records.clear();
    world.start_orchestrator();
    (void)world.machines->recover();
    EXPECT_EQ(world.state("work"), VmState::Running);
    ASSERT_TRUE(world.machines->stop(work, {}, {}));
    EXPECT_EQ(world.volume("fast/work/data").content, "new");
}

TEST_F(AwayTest, LeavesADomainThatIsNotItsOwn) {
    world.guests.guests.begin()->second.domain.vm.reset();
    world.volumes.records.clear();
    world.start_orchestrator();
    EXPECT_TRUE(world.machines->recover().empty());
    EXPECT_EQ(world.domains(), std::vector<std::string>{"work"});
    EXPECT_EQ(world.state("work"), VmState::Halted);
}

TEST_F(AwayTest, WaitsForAHypervisorThatDoesNotAnswer) {
    world.start_orchestrator();
    world.hypervisor->disconnect();
    EXPECT_TRUE(world.machines->recover().empty());
    EXPECT_EQ(world.state("work"), VmState::Unknown);
    EXPECT_FALSE(world.machines->info(work).value().trouble.empty());
    EXPECT_EQ(world.volume("fast/work/data").state, VolumeState::Started);
    world.hypervisor->reconnect();
    EXPECT_TRUE(world.events.wait_for("work", VmState::Running));
}

}  // namespace
}  // namespace varve::vm
