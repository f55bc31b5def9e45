// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/vm/world.h"

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

}  // namespace
}  // namespace varve::vm
