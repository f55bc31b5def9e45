// SPDX-License-Identifier: LGPL-2.1-or-later
// A pool of the driver file as others meet it: its names, what Qubes leaves, what is broken or foreign.
#include "drivers/file/cow_file.h"
#include "drivers/kernel/dm_name.h"
#include "tests/unit/file/pool_world.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

namespace varve::file {
namespace {

using base::Errc;
using Names = std::vector<std::string>;

const std::string root = "fedora/root";
const std::string app = "work/root";

class FilePool : public testing::Test {
protected:
    void SetUp() override {
        ok(world_.start());
        ok(world_.create_vm("fedora"));
        ok(world_.create_vm("work"));
        ok(world_.create(root, api::Origin{}));
        session("one");
        ok(world_.create(app, api::Snapshot{{path_of(root), {}}}));
    }
    static void ok(const base::Result<>& result) { EXPECT_EQ("", explain(result)); }
    void session(const std::string& text, long long keep = 0) {
        world_.clock.advance(60);
        ok(world_.start_volume(root));
        world_.guest_writes(root, text);
        ok(world_.stop(root, api::Stop::Outcome::Commit, keep));
    }
    // In another boot.
    std::unique_ptr<PoolWorld> next_boot() const { return std::make_unique<PoolWorld>(world_.marks, world_.disk(), world_.clock.now()); }
    static bool has(const Names& names, const std::string& name) { return std::ranges::find(names, name) != names.end(); }

    PoolWorld world_;
};

TEST_F(FilePool, FilesHaveTheNamesThatQubesGivesThem) {
    session("two", 1);
    ok(world_.start_volume(root));
    ok(world_.start_volume(app));
    const auto names = world_.names("fedora");
    for (const auto* name : {"root.img", "root-cow.img", "root-cow.img.old"}) EXPECT_TRUE(has(names, name)) << name;
    EXPECT_TRUE(has(world_.names("work"), "root-cow.img"));
    ok(world_.stop(app));
    EXPECT_EQ(world_.names("work").size(), 1U) << "only the record stays";
}

TEST_F(FilePool, VmsOnOneVersionShareItsDevice) {
    ok(world_.create_vm("mail"));
    ok(world_.create("mail/root", api::Snapshot{{path_of(root), {}}}));
    ok(world_.start_volume(app));
    ok(world_.start_volume("mail/root"));
    EXPECT_EQ(world_.mapper->list("VARVE-0123456789abcdef-s").value().size(), 1U);
    session("two");
    world_.guest_writes(app, "mine");
    EXPECT_EQ(world_.read_guest(app), "mine");
    EXPECT_EQ(world_.read_guest("mail/root"), "one");
    EXPECT_EQ(world_.view(app)->session->base->identity, world_.view("mail/root")->session->base->identity);
    EXPECT_NE(world_.view(app)->session->base->identity, world_.view(root)->committed->identity);
}

// A COW file that holds something is a session, whoever made it; Qubes' are as large as the image.
TEST_F(FilePool, WhatACrashOfQubesLeftIsDirty) {
    ok(world_.start_volume(root));
    world_.guest_writes(root, "two");
    {
        const auto cow = world_.file("appvms/fedora/root-cow.img");
        ok(world_.files->remove_mark(cow.get(), "state"));
        ok(world_.files->remove_mark(cow.get(), "modified"));
        auto top = world_.files->open_top("/pool").value();
        const auto folder = world_.files->open_directory(top.get(), "appvms").value();
        const auto vm = world_.files->open_directory(folder.get(), "fedora").value();
        ok(world_.files->unlink(vm.get(), "root-session.img"));
    }
    const auto next = next_boot();
    ok(next->start());
    ASSERT_TRUE(next->view(root)->session);
    EXPECT_EQ(next->view(root)->session->phase, api::Session::Phase::Dirty);
    EXPECT_EQ(next->read(root), "one");
    ok(next->start_volume(root));
    EXPECT_EQ(next->read_guest(root), "two");
    ok(next->stop(root));
    EXPECT_EQ(next->read(root), "two");
    EXPECT_EQ(next->read(root, next->view(root)->revisions.back().id), "one");
}

TEST_F(FilePool, AnInvalidCowFileIsNoRevision) {
    ok(world_.start_volume(root));
    world_.guest_writes(root, "two");
    const std::uint32_t invalid = 0;
    const auto cow = world_.file("appvms/fedora/root-cow.img");
    ASSERT_EQ(::pwrite(cow.get(), &invalid, sizeof invalid, 4), 4);
    world_.devices.set_status(world_.mapper->list("VARVE-0123456789abcdef-s").value().front().name, "Invalid");
    EXPECT_EQ(world_.pool->open_state(path_of(root), *world_.view(root), api::CommittedState{}).error().code, Errc::Corrupt);
    const auto findings = world_.pool->verify(path_of(root).vm);
    ASSERT_TRUE(findings);
    ASSERT_EQ(findings->size(), 1U);
    EXPECT_EQ(findings->front().object, "appvms/fedora/root-cow.img");
    ok(world_.stop(root));
    EXPECT_EQ(world_.read(root), "two");
    EXPECT_TRUE(world_.view(root)->revisions.empty());
}

TEST_F(FilePool, ADamagedCowFileIsAnErrorAndHarmsNobodyElse) {
    ok(world_.create("fedora/home", api::Origin{}));
    ok(world_.start_volume(root));
    world_.guest_writes(root, "two");
    const auto cow = world_.file("appvms/fedora/root-cow.img");
    ASSERT_EQ(::pwrite(cow.get(), "garbage", 7, 0), 7);
    const auto next = next_boot();
    ok(next->start());
    ASSERT_TRUE(next->view(root)->session);
    EXPECT_TRUE(next->view(root)->degraded.starts_with("root-cow.img is damaged, ")) << next->view(root)->degraded;
    const auto started = next->start_volume(root);
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, Errc::Corrupt);
    EXPECT_NE(started.error().context.find("damaged"), std::string::npos) << started.error().message();
    ok(next->start_volume("fedora/home"));
    ok(next->stop(root));
    EXPECT_EQ(next->read(root), "two") << "what its VM wrote is whole";
    EXPECT_EQ(next->view(root)->degraded, "");
    EXPECT_EQ(next->view("fedora/home")->degraded, "");
}

TEST_F(FilePool, AnImageThatIsGoneIsNamed) {
    ok(world_.start_volume(root));
    world_.guest_writes(root, "two");
    auto next = next_boot();
    {
        const auto top = next->files->open_top("/pool").value();
        const auto vms = next->files->open_directory(top.get(), "appvms").value();
        ok(next->files->unlink(next->files->open_directory(vms.get(), "fedora").value().get(), "root.img"));
    }
    ok(next->start());
    EXPECT_EQ(next->view(root)->degraded, "root.img is gone, and what root-cow.img keeps of it is of no use without it");
    EXPECT_FALSE(next->start_volume(root));
    ok(next->start());
    ASSERT_NE(next->view(root)->degraded, "") << "nothing takes the COW file away";
    ok(next->publish(root, "three"));
    EXPECT_EQ(next->view(root)->degraded, "");
    ok(next->start());
    EXPECT_EQ(next->read(root), "three") << "not through what was kept of another image";
    EXPECT_FALSE(next->view(root)->session);
}

TEST_F(FilePool, AForeignDeviceWithOurNameIsNotTouched) {
    ok(world_.start_volume(root));
    const auto name = kernel::DmName::parse(world_.pool->device(path_of(root), *world_.view(root))->filename().string()).value();
    ok(world_.stop(root));
    const auto disk = world_.devices.add_disk({2048});
    const auto uuid = kernel::uuid_in_pool("fedcba9876543210", "foreign").value();
    const auto table = kernel::DmTable::of({16}, kernel::LinearTarget{disk, {}}).value();
    ASSERT_TRUE(world_.mapper->create(name, uuid, table, kernel::DmAccess::ReadWrite, nullptr));
    const auto started = world_.start_volume(root);
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, Errc::Exists);
    ok(world_.reload(root));
    EXPECT_FALSE(world_.view(root)->session) << "what failed is undone";
    ok(world_.start());
    EXPECT_TRUE(world_.mapper->find(uuid).value());
    EXPECT_EQ(world_.mapper->table(name).value(), table);
    EXPECT_EQ(world_.read(root), "one");
}

TEST_F(FilePool, DirtySnapshotsKeepTheStateTheyStandOn) {
    ok(world_.start_volume(app));
    world_.guest_writes(app, "mine");
    session("two");  // the app's COW file of the base is an old one now
    const auto next = next_boot();
    ok(next->start());
    ASSERT_TRUE(next->view(app)->session);
    ok(next->start_volume(root));
    next->guest_writes(root, "three");
    EXPECT_EQ(next->read(app, api::BaseState{}), "one");
    ok(next->start_volume(app));
    EXPECT_EQ(next->read_guest(app), "mine");
    ok(next->stop(root));
    EXPECT_EQ(next->read(root), "three");
    EXPECT_EQ(next->read(app, api::BaseState{}), "one");
}

// The kernel would keep what it overwrites for its present state only.
TEST_F(FilePool, ADirtyOriginWaitsForDirtySnapshotsOfEarlierStates) {
    ok(world_.start_volume(app));
    world_.guest_writes(app, "mine");
    session("two");
    ok(world_.start_volume(root));
    world_.guest_writes(root, "three");
    const auto next = next_boot();
    ok(next->start());
    const auto refused = next->execute(root, api::Start{});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::Busy);
    EXPECT_NE(refused.error().message().find("start or stop those first"), std::string::npos) << refused.error().message();
    EXPECT_EQ(next->read(app, api::BaseState{}), "one");

    ok(next->start_volume(app));
    EXPECT_EQ(next->read_guest(app), "mine");
    ok(next->start_volume(root));
    EXPECT_EQ(next->read_guest(root), "three");
    EXPECT_EQ(next->read(root), "two");
    EXPECT_EQ(next->read(app, api::BaseState{}), "one");
    ok(next->stop(root));
    EXPECT_EQ(next->read(root), "three");
}

TEST_F(FilePool, SizesOfCowFilesAreRefused) {
    ok(world_.start_volume(root));
    const auto cow = cow_file_size({8192});
    const auto resized = world_.execute(root, api::Resize{cow});
    ASSERT_FALSE(resized);
    EXPECT_EQ(resized.error().code, Errc::InvalidArgument);
    ok(world_.execute(root, api::Resize{{cow.count + 512}}));
}

TEST_F(FilePool, WithoutDeviceMapperThereIsNoPool) {
    world_.devices.set_device_mapper_there(false);
    const auto opened = world_.start();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::Unsupported);
    EXPECT_NE(opened.error().context.find("dm-snapshot"), std::string::npos) << opened.error().message();
}

}  // namespace
}  // namespace varve::file
