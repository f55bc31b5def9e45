// SPDX-License-Identifier: LGPL-2.1-or-later
// Renames of volumes and of VM directories, with all that belongs to them.
#include "tests/mount/posix/one_volume.h"

#include <fcntl.h>
#include <stdio.h>  // RENAME_*

namespace varve::test_support {
namespace {

class RenameTest : public OneVolumeTest {
protected:
    void SetUp() override {
        OneVolumeTest::SetUp();
        ASSERT_EQ(write_file(data(), new_content_), ok);
        ASSERT_EQ(link_file(data(), at("data.img@golden")), ok);
    }

    // The whole volume under this name.
    void expect_volume(const Path& directory, const std::string& name) const {
        const auto old_revision = name + data_old().filename().string().substr(8);
        EXPECT_EQ(read_file(directory / name), new_content_);
        EXPECT_EQ(read_file(directory / old_revision), old_content_);
        EXPECT_EQ(read_file(directory / (name + "@golden")), new_content_);
        EXPECT_EQ(stat_of(directory / old_revision).st_mtim.tv_sec, first_time);
        EXPECT_EQ(list_directory(directory), (Names{name, old_revision, name + "@golden"}));
    }
};

TEST_F(RenameTest, InTheSameVm) {
    ASSERT_EQ(set_value(control("data", "revisions_to_keep"), "7"), ok);
    ASSERT_EQ(rename_path(data(), at("moved.img")), ok);
    expect_volume(vm_path(), "moved.img");
    EXPECT_EQ(value("moved", "revisions_to_keep"), "7") << "its configuration goes with it";
    EXPECT_EQ(stat_error(data()), Errno{ENOENT});
    EXPECT_FALSE(present(control("data", "state")));
    ASSERT_TRUE(daemon().restart());
    expect_volume(vm_path(), "moved.img");
    EXPECT_EQ(value("moved", "revisions_to_keep"), "7");
}

TEST_F(RenameTest, IntoAnotherVm) {
    const auto other = another_vm();
    ASSERT_EQ(rename_path(data(), pool() / other / "moved.img"), ok);
    expect_volume(pool() / other, "moved.img");
    EXPECT_EQ(names(), Names{});
    ASSERT_TRUE(daemon().restart());
    expect_volume(pool() / other, "moved.img");
    EXPECT_EQ(names(), Names{});
}

TEST_F(RenameTest, ChildrenFollow) {
    const auto app = another_vm();
    const auto target = another_vm();
    ASSERT_EQ(symlink_to("../" + vm() + "/data.img", pool() / app / "root.img"), ok);
    ASSERT_EQ(symlink_to("../" + vm() + "/data.img@golden", pool() / app / "fixed.img"), ok);
    ASSERT_EQ(rename_path(data(), pool() / target / "moved.img"), ok);
    EXPECT_EQ(link_target_of(pool() / app / "root.img"), "../" + target + "/moved.img@current");
    EXPECT_EQ(link_target_of(pool() / app / "fixed.img"), "../" + target + "/moved.img@golden");
    EXPECT_EQ(read_file(pool() / app / "root.img"), new_content_);
    ASSERT_TRUE(daemon().restart());
    EXPECT_EQ(link_target_of(pool() / app / "root.img"), "../" + target + "/moved.img@current");
    EXPECT_EQ(read_file(pool() / app / "fixed.img"), new_content_);
}

TEST_F(RenameTest, AFixedSourcesLabelIsSafe) {
    const auto app = another_vm();
    ASSERT_EQ(symlink_to("../" + vm() + "/data.img@golden", pool() / app / "fixed.img"), ok);
    const auto renamed = rename_path(at("data.img@golden"), at("data.img@silver"));
    if (renamed == ok)
        EXPECT_EQ(link_target_of(pool() / app / "fixed.img"), "../" + vm() + "/data.img@silver") << "its child follows";
    else
        EXPECT_EQ(renamed, Errno{EBUSY});
    EXPECT_EQ(read_file(pool() / app / "fixed.img"), new_content_);
}

TEST_F(RenameTest, OpenHandlesGoOn) {
    OpenFile reader(data(), O_RDONLY);
    ASSERT_EQ(rename_path(data(), at("moved.img")), ok);
    EXPECT_EQ(reader.read_at(0, volume_size), new_content_);
}

TEST_F(RenameTest, AnExistingTargetIsNotReplaced) {
    ASSERT_EQ(write_file(at("second.img"), pattern('s', 4096)), ok);
    EXPECT_REFUSED(EEXIST, rename_path(data(), at("second.img")));
    EXPECT_REFUSED_BY_KERNEL(EEXIST, rename_path(data(), at("second.img"), RENAME_NOREPLACE));
    const auto other = another_vm();
    ASSERT_EQ(touch_new(pool() / other / "data.img"), ok);
    EXPECT_REFUSED(EEXIST, rename_path(data(), pool() / other / "data.img"));
    ASSERT_EQ(symlink_to("../" + vm() + "/data.img", pool() / other / "link.img"), ok);
    EXPECT_REFUSED(EEXIST, rename_path(data(), pool() / other / "link.img"));
}

TEST_F(RenameTest, ATargetThatHasRevisionsLeftIsNotReplaced) {
    ASSERT_EQ(write_file(at("gone.img@golden"), pattern('s', 4096)), ok);
    EXPECT_REFUSED(EEXIST, rename_path(data(), at("gone.img")));
    EXPECT_REFUSED(EEXIST, rename_path(data(), at("gone.img"), RENAME_NOREPLACE));
}

TEST_F(RenameTest, ARunningOrWrittenVolumeIsBusy) {
    must("data", "start");
    EXPECT_REFUSED(EBUSY, rename_path(data(), at("moved.img")));
    must("data", "discard");
    {
        OpenFile file(data(), O_WRONLY);
        ASSERT_EQ(file.write_at(0, "changed"), ok);
        EXPECT_REFUSED(EBUSY, rename_path(data(), at("moved.img")));
        ASSERT_EQ(file.close(), ok);
    }
}

TEST_F(RenameTest, OtherPoolsAreAcrossADevice) {
    const auto other = another_vm("other");
    EXPECT_REFUSED(EXDEV, rename_path(data(), pool("other") / other / "data.img"));
    EXPECT_REFUSED(EXDEV, rename_path(vm_path(), pool("other") / "moved"));
    EXPECT_REFUSED(EXDEV, rename_path(data_old(), pool("other") / other / "data.img@golden"));
}

TEST_F(RenameTest, IllegalTargetsAreRefused) {
    for (const std::string name : {"Moved.img", "moved", "moved.qcow2", "moved-dirty.img"}) {
        SCOPED_TRACE(name);
        EXPECT_REFUSED(EINVAL, rename_path(data(), at(name)));
    }
    EXPECT_REFUSED(EINVAL, rename_path(data(), at("moved.img@golden")));
    EXPECT_REFUSED(EINVAL, rename_path(data(), at("data.img@other")));
    EXPECT_NE(rename_path(data(), pool() / "moved.img"), ok);
    EXPECT_NE(rename_path(data(), mount() / "moved.img"), ok);
    EXPECT_NE(rename_path(data(), vm_path() / ".varve" / "moved.img"), ok);
}

TEST_F(RenameTest, RevisionsStayWithTheirVolume) {
    ASSERT_EQ(write_file(at("second.img"), pattern('s', 4096)), ok);
    EXPECT_REFUSED(EINVAL, rename_path(data_old(), at("second.img")));
    EXPECT_REFUSED(EINVAL, rename_path(data_old(), at("second.img@x")));
    EXPECT_REFUSED(EINVAL, rename_path(data_old(), at("third.img")));
    EXPECT_REFUSED(EINVAL, rename_path(data_old(), at("third.img@x")));
    const auto other = another_vm();
    EXPECT_REFUSED(EINVAL, rename_path(data_old(), pool() / other / "data.img"));
}

TEST_F(RenameTest, AWholeVm) {
    const auto app = another_vm();
    ASSERT_EQ(symlink_to("../" + vm() + "/data.img", pool() / app / "root.img"), ok);
    const auto target = stage().fresh_name();
    ASSERT_EQ(rename_path(vm_path(), pool() / target), ok);
    expect_volume(pool() / target, "data.img");
    EXPECT_EQ(stat_error(vm_path()), Errno{ENOENT});
    EXPECT_EQ(link_target_of(pool() / app / "root.img"), "../" + target + "/data.img@current");
    EXPECT_EQ(list_directory(mount() / "vms" / target), Names{"data.img"});
    EXPECT_EQ(stat_error(mount() / "vms" / vm()), Errno{ENOENT});
    ASSERT_TRUE(daemon().restart());
    expect_volume(pool() / target, "data.img");
    EXPECT_EQ(link_target_of(pool() / app / "root.img"), "../" + target + "/data.img@current");
    ASSERT_EQ(rename_path(pool() / target, vm_path()), ok);
    expect_volume(vm_path(), "data.img");
}

TEST_F(RenameTest, AVmIsNotReplaced) {
    const auto other = another_vm();
    ASSERT_EQ(touch_new(pool() / other / "x.img"), ok);
    EXPECT_REFUSED(EEXIST, rename_path(vm_path(), pool() / other));
    EXPECT_REFUSED(EINVAL, rename_path(vm_path(), pool() / "none"));
    EXPECT_REFUSED(EINVAL, rename_path(vm_path(), pool() / "1st"));
    EXPECT_REFUSED_BY_KERNEL(EINVAL, rename_path(vm_path(), vm_path() / "inside"));
    EXPECT_NE(rename_path(vm_path(), mount() / "moved"), ok);
    EXPECT_NE(rename_path(vm_path(), mount() / "pools" / "moved"), ok);
    EXPECT_NE(rename_path(pool(), mount() / "pools" / "moved"), ok);
    expect_volume(vm_path(), "data.img");
}

TEST_F(RenameTest, AVmThatRunsIsBusy) {
    must("data", "start");
    EXPECT_REFUSED(EBUSY, rename_path(vm_path(), pool() / stage().fresh_name()));
    must("data", "discard");
}

}  // namespace
}  // namespace varve::test_support
