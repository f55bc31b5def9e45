// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/recovery.h"

#include "tests/unit/vm/world.h"

#include <set>

namespace varve::vm {
namespace {

using base::Errc;
using definitions::VmDefinition;

class RemakeTest : public ::testing::Test {
protected:
    void SetUp() override { world.define("work"); }
    World world;
};

TEST_F(RemakeTest, RemovesVolumesAndDefinition) {
    ASSERT_TRUE(world.machines->remove(work));
    EXPECT_TRUE(world.volumes.volumes.empty());
    EXPECT_EQ(world.machines->info(work).error().code, Errc::NotFound);
}

TEST_F(RemakeTest, RemovesNothingThatRuns) {
    ASSERT_TRUE(world.machines->start(work, {}));
    EXPECT_EQ(world.machines->remove(work).error().code, Errc::Busy);
    EXPECT_EQ(world.machines->rename(work, other).error().code, Errc::Busy);
    EXPECT_EQ(world.volumes.volumes.size(), 2U);
}

TEST_F(RemakeTest, RemovesNoTemplateWithChildren) {
    world.define("fedora", [](VmDefinition& vm) { vm.vm_class = definitions::TemplateVm{}; });
    world.define("app", [](VmDefinition& vm) { vm.vm_class = definitions::AppVm{named<base::VmName>("fedora"), {}}; });
    const auto refused = world.machines->remove(named<base::VmName>("fedora"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::Busy);
    EXPECT_NE(refused.error().message().find("app"), std::string::npos);
    EXPECT_TRUE(world.volumes.volumes.contains("fast/fedora/root"));
}

TEST_F(RemakeTest, KeepsTheDefinitionOfWhatCouldNotBeRemoved) {
    world.storage->fail_next("remove fast/work", {Errc::Busy, {}, "fast/work/root is a source"});
    EXPECT_EQ(world.machines->remove(work).error().code, Errc::Busy);
    EXPECT_TRUE(world.machines->info(work));
    EXPECT_TRUE(world.machines->remove(work));
}

TEST_F(RemakeTest, RemovesWhatALastSessionLeftStarted) {
    ASSERT_TRUE(world.machines->start(work, {}));
    world.storage->fail_next("stop fast/work/data", {Errc::Io, {}, "the mount does not answer"});
    EXPECT_FALSE(world.machines->kill(work, {}));
    EXPECT_EQ(world.volume("fast/work/data").state, VolumeState::Started);
    const auto removed = world.machines->remove(work);
    EXPECT_TRUE(removed) << removed.error().message();
    EXPECT_TRUE(world.volumes.volumes.empty());
    EXPECT_FALSE(world.has_record("work"));
}

TEST_F(RemakeTest, RenamesVolumesAndDefinition) {
    ASSERT_TRUE(world.machines->rename(work, other));
    EXPECT_TRUE(world.volumes.volumes.contains("fast/other/root"));
    EXPECT_FALSE(world.volumes.volumes.contains("fast/work/root"));
    EXPECT_EQ(world.machines->info(work).error().code, Errc::NotFound);
    EXPECT_TRUE(world.machines->start(other, {}));
}

TEST_F(RemakeTest, RenamesNotOntoAnother) {
    world.define("other");
    EXPECT_EQ(world.machines->rename(work, other).error().code, Errc::Exists);
    EXPECT_EQ(world.volumes.volumes.size(), 4U);
}

TEST_F(RemakeTest, RenamesBackWhatCouldNotBeRenamedWhole) {
    world.define("third", [](VmDefinition& vm) { vm.volumes[1].pool = named<base::PoolName>("slow"); });
    world.storage->fail_next("rename slow/third", {Errc::Io, {}, "this is broken"});
    EXPECT_EQ(world.machines->rename(named<base::VmName>("third"), other).error().code, Errc::Io);
    EXPECT_TRUE(world.volumes.volumes.contains("fast/third/root"));
    EXPECT_TRUE(world.machines->info(named<base::VmName>("third")));
}

TEST_F(RemakeTest, ClonesARunningVmsCommittedStates) {
    ASSERT_TRUE(world.machines->start(work, {}));
    world.guest_writes("fast/work/data", "new");
    ASSERT_TRUE(world.machines->clone(work, other));
    EXPECT_EQ(world.volume("fast/other/data").content, "old");
    EXPECT_EQ(world.state("other"), VmState::Halted);
    EXPECT_TRUE(world.machines->start(other, {}));
    EXPECT_EQ(world.machines->clone(work, other).error().code, Errc::Busy) << "other runs";
}

TEST_F(RemakeTest, LeavesNothingOfACloneThatFailed) {
    world.define("third", [](VmDefinition& vm) { vm.volumes[1].pool = named<base::PoolName>("slow"); });
    world.storage->fail_next("clone slow/third", {Errc::NoSpace, {}, "slow is full"});
    EXPECT_EQ(world.machines->clone(named<base::VmName>("third"), other).error().code, Errc::NoSpace);
    EXPECT_FALSE(world.volumes.volumes.contains("fast/other/root"));
    EXPECT_EQ(world.machines->info(other).error().code, Errc::NotFound);
}

// ---- killed anywhere

// VMs with volumes in two pools, so that there is a middle.
void define_in_two_pools(World& world) {
    world.define("work", [](VmDefinition& vm) { vm.volumes[1].pool = named<base::PoolName>("slow"); });
}

// The next process, which reads the definitions anew.
void start_again(World& world) {
    world.end_orchestrator();
    world.definitions.reset();
    world.definitions = definitions::DefinitionStore::open(world.directory).value();
    world.start_orchestrator();
}

std::set<std::string> volumes_of(World& world) {
    std::set<std::string> names;
    for (const auto& [name, volume] : world.volumes.volumes) names.insert(name);
    return names;
}

TEST(KilledRemake, ARenameIsFinishedByTheNextOrchestrator) {
    std::size_t points = 0;
    for (const auto moment : {fakes::Faults::Moment::Before, fakes::Faults::Moment::After})
        for (std::size_t call = 1;; ++call) {
            World world;
            define_in_two_pools(world);
            world.faults->die_at(call, moment, fakes::Faults::Calls::Changing);
            const auto renamed = world.machines->rename(work, other);
            const bool dead = world.faults->dead();
            EXPECT_NE(dead, renamed.has_value());
            points += dead ? 1 : 0;
            start_again(world);
            const auto repaired = world.machines->recover();
            SCOPED_TRACE("killed at call " + std::to_string(call));
            EXPECT_EQ(repaired.size(), dead ? 1U : 0U);
            if (dead) {
                EXPECT_EQ(name_of(repaired.at(0).repair), "finish-rename");
                EXPECT_EQ(repaired.at(0).trouble, "");
            }
            EXPECT_EQ(volumes_of(world), (std::set<std::string>{"fast/other/root", "slow/other/data"}));
            EXPECT_FALSE(world.machines->info(work));
            EXPECT_TRUE(world.definitions->remakes().all().empty());
            EXPECT_TRUE(world.machines->start(other, {}));
            if (!dead) break;
        }
    EXPECT_EQ(points, 4U) << "two pools, before and after each";
}

TEST(KilledRemake, ARenameWhoseDefinitionWasRenamedIsOver) {
    World world;
    define_in_two_pools(world);
    const auto pools = std::vector{named<base::PoolName>("fast"), named<base::PoolName>("slow")};
    ASSERT_TRUE(world.machines->rename(work, other));
    ASSERT_TRUE(world.definitions->remakes().note({definitions::Remake::What::Rename, work, other, pools}));
    start_again(world);
    // Before it is known to be over, a new one of the old name would be taken for the one that is to be renamed.
    const definitions::VmDefinition another{.name = work, .vm_class = definitions::StandaloneVm{}};
    EXPECT_EQ(world.definitions->create(another).error().code, Errc::Busy);
    EXPECT_EQ(world.machines->recover().size(), 1U);
    EXPECT_TRUE(world.definitions->remakes().all().empty());
    EXPECT_TRUE(world.machines->start(other, {}));
}

TEST(KilledRemake, ARenameThatCannotBeFinishedIsUndone) {
    World world;
    define_in_two_pools(world);
    world.faults->die_at(1, fakes::Faults::Moment::After, fakes::Faults::Calls::Changing);
    EXPECT_FALSE(world.machines->rename(work, other));
    start_again(world);
    world.volumes.volumes["slow/other/data"] = {.content = "somebody's"};
    const auto repaired = world.machines->recover();
    ASSERT_EQ(repaired.size(), 1U);
    EXPECT_NE(repaired[0].trouble.find("exists already"), std::string::npos) << repaired[0].trouble;
    EXPECT_EQ(volumes_of(world), (std::set<std::string>{"fast/work/root", "slow/work/data", "slow/other/data"}));
    EXPECT_EQ(world.volume("slow/other/data").content, "somebody's");
    EXPECT_TRUE(world.machines->start(work, {}));
}

TEST(KilledRemake, AMountThatComesLaterIsWaitedFor) {
    World world;
    define_in_two_pools(world);
    world.faults->die_at(1, fakes::Faults::Moment::After, fakes::Faults::Calls::Changing);
    EXPECT_FALSE(world.machines->rename(work, other));
    start_again(world);
    world.faults->die_at(1, fakes::Faults::Moment::Before, fakes::Faults::Calls::All);
    EXPECT_NE(world.machines->recover().at(0).trouble, "");
    EXPECT_FALSE(world.machines->start(work, {})) << "half of its volumes have another name";
    start_again(world);
    EXPECT_TRUE(world.machines->start(other, {}));
    EXPECT_EQ(world.machines->info(work).error().code, Errc::NotFound);
}

TEST(KilledRemake, NothingIsLeftOfAClone) {
    std::size_t points = 0;
    for (const auto moment : {fakes::Faults::Moment::Before, fakes::Faults::Moment::After})
        for (std::size_t call = 1;; ++call) {
            World world;
            define_in_two_pools(world);
            world.faults->die_at(call, moment, fakes::Faults::Calls::Changing);
            (void)world.machines->clone(work, other);
            const bool dead = world.faults->dead();
            points += dead ? 1 : 0;
            start_again(world);
            (void)world.machines->recover();
            SCOPED_TRACE("killed at call " + std::to_string(call));
            EXPECT_TRUE(world.definitions->remakes().all().empty());
            if (!dead) {
                EXPECT_EQ(world.volumes.volumes.size(), 4U);
                break;
            }
            EXPECT_EQ(volumes_of(world), (std::set<std::string>{"fast/work/root", "slow/work/data"}));
            EXPECT_TRUE(world.machines->clone(work, other));
            EXPECT_TRUE(world.machines->start(other, {}));
        }
    EXPECT_EQ(points, 4U);
}

TEST_F(RemakeTest, NobodyTakesTheNameOfACloneThatIsBeingMade) {
    world.storage->after_next("clone fast/work", [this] {
        const definitions::VmDefinition another{.name = other, .vm_class = definitions::StandaloneVm{}};
        EXPECT_EQ(world.definitions->create(another).error().code, Errc::Busy);
    });
    const auto cloned = world.machines->clone(work, other);
    EXPECT_TRUE(cloned) << cloned.error().message();
    EXPECT_TRUE(world.volumes.volumes.contains("fast/other/data"));
}

TEST(KilledRemake, ACloneThatIsDefinedStays) {
    World world;
    define_in_two_pools(world);
    const auto pools = std::vector{named<base::PoolName>("fast"), named<base::PoolName>("slow")};
    ASSERT_TRUE(world.machines->clone(work, other));
    ASSERT_TRUE(world.definitions->remakes().note({definitions::Remake::What::Clone, work, other, pools}));
    start_again(world);
    (void)world.machines->recover();
    EXPECT_EQ(world.volumes.volumes.size(), 4U);
    EXPECT_TRUE(world.definitions->remakes().all().empty());
}

TEST(KilledRemake, APlaceThatIsSomebodysStaysWhenACloneFails) {
    World world;
    define_in_two_pools(world);
    world.volumes.volumes["slow/other/data"] = {.content = "somebody's"};
    EXPECT_EQ(world.machines->clone(work, other).error().code, Errc::Exists);
    EXPECT_EQ(volumes_of(world), (std::set<std::string>{"fast/work/root", "slow/work/data", "slow/other/data"}));
    EXPECT_EQ(world.machines->rename(work, other).error().code, Errc::Exists);
    EXPECT_EQ(volumes_of(world), (std::set<std::string>{"fast/work/root", "slow/work/data", "slow/other/data"}));
}

}  // namespace
}  // namespace varve::vm
