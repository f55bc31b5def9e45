// SPDX-License-Identifier: LGPL-2.1-or-later
// A snapshot volume is a symbolic link to its source.
#include "tests/mount/posix/one_volume.h"

#include <fcntl.h>

namespace varve::test_support {
namespace {

// The first VM is the template with data.img; a second one, `app_`, has the snapshots.
class SnapshotTest : public OneVolumeTest {
protected:
    void SetUp() override {
        OneVolumeTest::SetUp();
        app_ = another_vm();
        source_ = "../" + vm() + "/data.img";
    }

    [[nodiscard]] Path app(const std::string& name) const { return pool() / app_ / name; }
    [[nodiscard]] Path app_control(const std::string& volume, const std::string& file) const {
        return pool() / app_ / ".varve" / volume / file;
    }
    [[nodiscard]] Reply app_command(const std::string& volume, const std::string& text) const {
        return send_command(app_control(volume, "ctl"), text);
    }
    void make_snapshot() const { ASSERT_EQ(symlink_to(source_, app("root.img")), ok); }

    std::string app_;
    std::string source_;
};

TEST_F(SnapshotTest, ALinkMakesIt) {
    make_snapshot();
    EXPECT_TRUE(S_ISLNK(stat_of(app("root.img")).st_mode));
    EXPECT_EQ(link_target_of(app("root.img")), source_ + "@current");
    EXPECT_EQ(stat_of(app("root.img")).st_size, static_cast<off_t>(source_.size() + 8)) << "the target's length, as lstat promises";
    EXPECT_EQ(control_value(app_control("root", "kind")), "snapshot");
    EXPECT_EQ(control_value(app_control("root", "source")), source_);
    EXPECT_EQ(read_file(app("root.img")), old_content_);
    EXPECT_EQ(list_directory(pool() / app_), Names{"root.img"});
    ASSERT_TRUE(daemon().restart());
    EXPECT_EQ(link_target_of(app("root.img")), source_ + "@current");
}

TEST_F(SnapshotTest, TheListedTargetIsTheSameAsTheShortOne) {
    ASSERT_EQ(symlink_to(source_ + "@current", app("root.img")), ok);
    EXPECT_EQ(link_target_of(app("root.img")), source_ + "@current");
    EXPECT_EQ(control_value(app_control("root", "source")), source_);
}

TEST_F(SnapshotTest, NothingIsWrittenThroughIt) {
    make_snapshot();
    for (const int flags : {O_WRONLY, O_RDWR, O_WRONLY | O_TRUNC, O_WRONLY | O_CREAT})
        EXPECT_REFUSED(EROFS, open_and_close(app("root.img"), flags));
    EXPECT_REFUSED(EROFS, truncate_path(app("root.img"), 1 << 20));
    expect_nothing_committed();
}

TEST_F(SnapshotTest, StartWriteStop) {
    make_snapshot();
    const auto started = app_command("root", "start");
    ASSERT_EQ(started.error, ok) << started.text;
    EXPECT_EQ(read_file(app_control("root", "base")), old_content_);
    OpenFile device(app_control("root", "device"), O_RDWR);
    ASSERT_EQ(device.write_at(0, new_content_), ok);
    ASSERT_EQ(device.close(), ok);
    EXPECT_EQ(read_file(app("root.img")), old_content_);
    EXPECT_EQ(read_file(app_control("root", "base")), old_content_);
    ASSERT_EQ(app_command("root", "stop").error, ok);
    EXPECT_FALSE(present(app_control("root", "base")));
    expect_nothing_committed();
    EXPECT_EQ(list_directory(pool() / app_), Names{"root.img"}) << "a snapshot keeps nothing";
}

TEST_F(SnapshotTest, TheBaseIsReadOnly) {
    make_snapshot();
    ASSERT_EQ(app_command("root", "start").error, ok);
    EXPECT_NE(open_and_close(app_control("root", "base"), O_WRONLY), ok);
    EXPECT_EQ(app_command("root", "stop").error, ok);
}

TEST_F(SnapshotTest, OutdatedTellsOfANewerState) {
    make_snapshot();
    EXPECT_EQ(control_value(app_control("root", "outdated")), "0");
    ASSERT_EQ(app_command("root", "start").error, ok);
    EXPECT_EQ(control_value(app_control("root", "outdated")), "0");
    must("data", "start");
    must("data", "stop");
    EXPECT_EQ(control_value(app_control("root", "outdated")), "0") << "the template was started and stopped, and nothing was written";
    must("data", "start");
    guest_write("data", 0, new_content_);
    must("data", "stop");
    EXPECT_EQ(control_value(app_control("root", "outdated")), "1");
    EXPECT_EQ(read_file(app_control("root", "base")), old_content_) << "the running VM keeps what it started from";
    EXPECT_EQ(read_file(app("root.img")), new_content_);
    ASSERT_EQ(app_command("root", "stop").error, ok);
    EXPECT_EQ(control_value(app_control("root", "outdated")), "0");
    ASSERT_EQ(app_command("root", "start").error, ok);
    EXPECT_EQ(read_file(app_control("root", "base")), new_content_);
    EXPECT_EQ(control_value(app_control("root", "outdated")), "0");
    ASSERT_EQ(app_command("root", "stop").error, ok);
}

TEST_F(SnapshotTest, ACommitThroughTheMountOutdatesToo) {
    make_snapshot();
    ASSERT_EQ(app_command("root", "start").error, ok);
    ASSERT_EQ(write_file(data(), new_content_), ok);
    EXPECT_EQ(control_value(app_control("root", "outdated")), "1");
    EXPECT_EQ(read_file(app_control("root", "base")), old_content_);
    ASSERT_EQ(app_command("root", "stop").error, ok);
}

TEST_F(SnapshotTest, AMissingSourceIsAllowedUntilTheStart) {
    ASSERT_EQ(symlink_to("../" + vm() + "/later.img", app("root.img")), ok);
    EXPECT_EQ(link_target_of(app("root.img")), "../" + vm() + "/later.img@current");
    EXPECT_EQ(open_and_close(app("root.img"), O_RDONLY), Errno{ENOENT});
    EXPECT_NE(control_value(app_control("root", "blockers")), "");
    EXPECT_REFUSED(ENOENT, app_command("root", "start").error);
    ASSERT_EQ(write_file(at("later.img"), new_content_), ok);
    EXPECT_EQ(control_value(app_control("root", "blockers")), "");
    EXPECT_EQ(app_command("root", "start").error, ok);
    EXPECT_EQ(read_file(app_control("root", "base")), new_content_);
    EXPECT_EQ(app_command("root", "stop").error, ok);
}

TEST_F(SnapshotTest, ASourceCanBeFixedToARevision) {
    ASSERT_EQ(write_file(data(), new_content_), ok);
    const auto fixed = source_ + data_old().filename().string().substr(8);
    ASSERT_EQ(symlink_to(fixed, app("root.img")), ok);
    EXPECT_EQ(link_target_of(app("root.img")), fixed);
    EXPECT_EQ(control_value(app_control("root", "source")), fixed);
    EXPECT_EQ(read_file(app("root.img")), old_content_);
    EXPECT_REFUSED(EBUSY, remove_file(data_old()));
    EXPECT_REFUSED(EBUSY, rename_path(data_old(), data()));
    EXPECT_REFUSED(EROFS, open_and_close(app("root.img"), O_WRONLY));
    ASSERT_EQ(app_command("root", "start").error, ok);
    EXPECT_EQ(read_file(app_control("root", "base")), old_content_);
    ASSERT_EQ(app_command("root", "stop").error, ok);
    // It counts as pinned: pruning at a stop spares it.
    for (const char mark : {'p', 'q', 'r'}) {
        must("data", "start");
        guest_write("data", 0, pattern(mark, 4096));
        must("data", "stop");
    }
    EXPECT_EQ(read_file(data_old()), old_content_);
    ASSERT_EQ(remove_file(app("root.img")), ok);
    EXPECT_EQ(remove_file(data_old()), ok);
}

TEST_F(SnapshotTest, ASourceIsNotRemoved) {
    make_snapshot();
    EXPECT_REFUSED(EBUSY, remove_file(data()));
    ASSERT_EQ(remove_file(app("root.img")), ok);
    EXPECT_FALSE(present(app("root.img")));
    EXPECT_EQ(remove_file(data()), ok);
}

TEST_F(SnapshotTest, OtherPoolsAreAcrossADevice) {
    const auto other = another_vm("other");
    ASSERT_EQ(write_file(pool("other") / other / "root.img", new_content_), ok);
    EXPECT_REFUSED(EXDEV, symlink_to("../../other/" + other + "/root.img", app("root.img")));
    EXPECT_REFUSED(EXDEV, symlink_to("../../other/" + other + "/root.img@current", app("root.img")));
}

TEST_F(SnapshotTest, WhatIsNoSourceIsRefused) {
    for (const auto& target :
         {std::string("x"), std::string(".."), "../" + vm(), "../" + vm() + "/", "../" + vm() + "/data", "../" + vm() + "/data.img@",
          "../" + vm() + "/data.img@bad label", "../" + vm() + "/.scratch", std::string("../none/data.img"), "../" + vm() + "/x/data.img",
          "../" + vm() + "/../" + vm() + "/data.img", "../" + app_ + "/root.img"}) {
        SCOPED_TRACE(target);
        EXPECT_REFUSED(EINVAL, symlink_to(target, app("root.img")));
    }
    EXPECT_REFUSED(EINVAL, symlink_to(source_, app("Root.img")));
    EXPECT_REFUSED(EINVAL, symlink_to(source_, app("root.img@x")));
    EXPECT_NE(symlink_to(source_, pool() / "x"), ok);
    EXPECT_REFUSED_BY_KERNEL(EEXIST, symlink_to(source_, data()));
    expect_nothing_committed();
}

TEST_F(SnapshotTest, LnForceChangesTheSource) {
    ASSERT_EQ(write_file(at("second.img"), new_content_), ok);
    make_snapshot();
    // What `ln -sf` does: a link under a scratch name, renamed over the old one.
    ASSERT_EQ(symlink_to("../" + vm() + "/second.img", app("CuAbC123")), ok);
    ASSERT_EQ(rename_path(app("CuAbC123"), app("root.img")), ok);
    EXPECT_EQ(link_target_of(app("root.img")), "../" + vm() + "/second.img@current");
    EXPECT_EQ(read_file(app("root.img")), new_content_);
    EXPECT_EQ(list_directory(pool() / app_), Names{"root.img"});
    ASSERT_EQ(app_command("root", "start").error, ok);
    ASSERT_EQ(symlink_to(source_, app("CuAbC124")), ok);
    EXPECT_REFUSED(EBUSY, rename_path(app("CuAbC124"), app("root.img")));
    EXPECT_EQ(remove_file(app("CuAbC124")), ok);
    EXPECT_EQ(app_command("root", "stop").error, ok);
}

TEST_F(SnapshotTest, TheSourceIsAWritableValueWhileHalted) {
    ASSERT_EQ(write_file(at("second.img"), new_content_), ok);
    make_snapshot();
    ASSERT_EQ(set_value(app_control("root", "source"), "../" + vm() + "/second.img\n"), ok);
    EXPECT_EQ(link_target_of(app("root.img")), "../" + vm() + "/second.img@current");
    EXPECT_REFUSED(EINVAL, set_value(app_control("root", "source"), "nonsense"));
    ASSERT_EQ(app_command("root", "start").error, ok);
    EXPECT_REFUSED(EBUSY, set_value(app_control("root", "source"), source_));
    EXPECT_EQ(app_command("root", "stop").error, ok);
}

TEST_F(SnapshotTest, ARunningOneIsBusy) {
    make_snapshot();
    ASSERT_EQ(app_command("root", "start").error, ok);
    EXPECT_REFUSED(EBUSY, remove_file(app("root.img")));
    EXPECT_REFUSED(EBUSY, rename_path(app("root.img"), app("moved.img")));
    EXPECT_REFUSED(EBUSY, app_command("root", "start").error);
    ASSERT_EQ(app_command("root", "stop").error, ok);
    EXPECT_EQ(rename_path(app("root.img"), app("moved.img")), ok);
    EXPECT_EQ(link_target_of(app("moved.img")), source_ + "@current");
}

TEST_F(SnapshotTest, AttributesOfTheLinkCanBeSetWithoutEffectOnTheSource) {
    make_snapshot();
    const auto before = stat_of(data());
    EXPECT_EQ(set_times(app("root.img"), {1'300'000'000, 0}), ok);
    EXPECT_EQ(change_owner(app("root.img"), 0, 0), ok);
    EXPECT_EQ(stat_of(data()).st_mtim.tv_sec, before.st_mtim.tv_sec);
    EXPECT_NE(stat_of(app("root.img")).st_ino, before.st_ino);
    EXPECT_EQ(stat_of(app("root.img")).st_nlink, 1U);
}

}  // namespace
}  // namespace varve::test_support
