// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/waiting.h"
#include "tests/unit/vm/world.h"

#include <algorithm>
#include <thread>

namespace varve::vm {
namespace {

using base::Errc;
using definitions::TargetName;

class HotPlugTest : public ::testing::Test {
protected:
    void SetUp() override {
        world.define("work");
        ASSERT_TRUE(world.machines->start(work, {}));
    }
    World world;
};

TEST_F(HotPlugTest, AttachesAndDetaches) {
    const auto target = world.machines->attach(work, {"/mount/pools/fast/other/root.img@before", {}, false});
    ASSERT_TRUE(target) << target.error().message();
    EXPECT_EQ(target->str(), "vdc") << "after its two volumes";
    const auto disks = world.machines->disks(work).value();
    ASSERT_EQ(disks.size(), 3U);
    EXPECT_TRUE(std::ranges::find(disks, *target, &DiskInfo::target)->read_only);
    ASSERT_TRUE(world.machines->detach(work, *target));
    EXPECT_EQ(world.machines->disks(work).value().size(), 2U);
    EXPECT_EQ(world.machines->detach(work, *target).error().code, Errc::NotFound);
}

TEST_F(HotPlugTest, TakesAWishedName) {
    const auto target = world.machines->attach(work, {"/dev/sdz", named<TargetName>("vdx"), true});
    ASSERT_TRUE(target) << target.error().message();
    EXPECT_EQ(target->str(), "vdx");
    EXPECT_EQ(world.machines->attach(work, {"/dev/sdy", named<TargetName>("vdx"), true}).error().code, Errc::Exists);
}

TEST_F(HotPlugTest, NeverLetsTwoWrite) {
    EXPECT_EQ(world.machines->attach(work, {"/mount/pools/fast/other/root.img", {}, true}).error().code, Errc::InvalidArgument);
    EXPECT_EQ(world.machines->attach(work, {"/mount/pools/fast/other/root.img@before", {}, true}).error().code, Errc::InvalidArgument);
}

TEST_F(HotPlugTest, KeepsItsOwnVolumes) { EXPECT_EQ(world.machines->detach(work, named<TargetName>("vda")).error().code, Errc::Busy); }

TEST_F(HotPlugTest, RefusesHaltedVmsAndRelativePaths) {
    EXPECT_EQ(world.machines->attach(work, {"x.img", {}, false}).error().code, Errc::InvalidArgument);
    ASSERT_TRUE(world.machines->stop(work, {}, {}));
    EXPECT_EQ(world.machines->attach(work, {"/dev/sdz", {}, false}).error().code, Errc::Busy);
    EXPECT_TRUE(world.machines->disks(work).value().empty());
    EXPECT_EQ(world.machines->console(work).error().code, Errc::NotFound);
}

TEST_F(HotPlugTest, TellsTheGuestOfANewSize) {
    const base::VolumeId data{named<base::PoolName>("fast"), work, named<base::VolumeName>("data")};
    ASSERT_TRUE(world.machines->resize(data, {std::uint64_t{4} << 20}));
    EXPECT_EQ(world.volume("fast/work/data").size.count, std::uint64_t{4} << 20);
    EXPECT_EQ(std::ranges::count(world.hypervisor->calls(), "resize_disk vdb 4194304"), 1);
    ASSERT_TRUE(world.machines->stop(work, {}, {}));
    ASSERT_TRUE(world.machines->resize(data, {std::uint64_t{8} << 20}));
    EXPECT_EQ(world.volume("fast/work/data").size.count, std::uint64_t{8} << 20);
}

// By whomever.
TEST_F(HotPlugTest, TellsTheGuestOfASizeThatAnotherGave) {
    const base::VolumeId data{named<base::PoolName>("fast"), work, named<base::VolumeName>("data")};
    world.volumes.volumes["fast/work/data"].size = {std::uint64_t{4} << 20};
    world.machines->volume_grew(data);
    const auto told = [&] { return std::ranges::count(world.hypervisor->calls(), "resize_disk vdb 4194304"); };
    EXPECT_TRUE(test_support::eventually([&] { return told() != 0; }));
    EXPECT_EQ(told(), 1);
}

TEST_F(HotPlugTest, SaysThatAGuestDoesNotKnowItsNewSize) {
    const base::VolumeId data{named<base::PoolName>("fast"), work, named<base::VolumeName>("data")};
    world.storage->fail_next("look fast/work/data", {Errc::Io, {}, "this is broken"});
    world.machines->volume_grew(data);
    const auto trouble = [&] { return world.machines->info(work).value().trouble; };
    EXPECT_TRUE(test_support::eventually([&] { return !trouble().empty(); }));
    EXPECT_EQ(trouble(), "its guest does not know the new size of fast/work/data: this is broken");
    world.machines->volume_grew({named<base::PoolName>("fast"), other, named<base::VolumeName>("data")});
}

}  // namespace
}  // namespace varve::vm
