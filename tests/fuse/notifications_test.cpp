// SPDX-License-Identifier: LGPL-2.1-or-later
// What the kernel is told unasked.
#include "tests/fuse/fuse_world.h"

#include <fcntl.h>

#include <algorithm>

namespace varve::fuse_test {
namespace {

class Notifications : public FuseWorld {
protected:
    [[nodiscard]] bool epoch_was_sent() {
        return std::ranges::any_of(wire().take_notifications(), [](const auto& each) { return each.code == notify_inc_epoch; });
    }
    // What other threads of the server have sent so far has come once a request of ours is answered.
    void expect_epoch(const char* what) { EXPECT_NO_THROW((void)wire().wait_notification(notify_inc_epoch)) << what; }

    VolumeRef volume_ = work();
};

TEST_F(Notifications, NamesThatChangedMakeANewEpoch) {
    begin();
    const auto directory = work_directory();
    EXPECT_FALSE(epoch_was_sent());

    const auto open = wire().open_for_writing(directory, "root.img");
    ASSERT_EQ(open.error, 0);
    EXPECT_EQ(wire().write(open.node, open.handle, 0, "second"), 0);
    (void)wire().take_notifications();
    EXPECT_EQ(wire().flush(open.node, open.handle), 0);
    expect_epoch("a commit");
    EXPECT_EQ(wire().release(open.node, open.handle), 0);
    (void)wire().take_notifications();

    ASSERT_TRUE(succeeded(volumes_.take_snapshot(volume_, engine_test::label("kept"))));
    expect_epoch("a snapshot that came from elsewhere");
    EXPECT_EQ(wire().rename(directory, "root.img@kept", directory, "root.img"), 0);
    expect_epoch("a revert");
    (void)origin("work", "private");
    expect_epoch("a new volume");
    const auto notification_body = wire().lookup(directory, "root.img");
    EXPECT_EQ(notification_body.error, 0);
}

TEST_F(Notifications, AnEpochHasNoBody) {
    begin();
    ASSERT_TRUE(succeeded(volumes_.take_snapshot(volume_, engine_test::label("kept"))));
    EXPECT_TRUE(wire().wait_notification(notify_inc_epoch).body.empty());
}

TEST_F(Notifications, KernelsWithoutEpochsAreNotToldOfAny) {
    begin(minor_with_epochs - 1);
    const auto directory = work_directory();
    const auto file = wire().lookup(directory, "root.img");
    EXPECT_EQ(file.out.entry_valid, 0U);
    ASSERT_TRUE(succeeded(volumes_.take_snapshot(volume_, engine_test::label("kept"))));
    EXPECT_EQ(wire().rename(directory, "root.img@kept", directory, "root.img"), 0);
    EXPECT_EQ(wire().getattr(directory).error, 0);
    EXPECT_FALSE(epoch_was_sent());
}

// Attributes are cached by the node, so the node that became a revision is told of: its mode and its number changed.
TEST_F(Notifications, TheAttributesOfAReplacedStateAreTakenBack) {
    begin();
    const auto directory = work_directory();
    const auto before = wire().lookup(directory, "root.img").out;
    EXPECT_GT(before.attr_valid, 0U);
    (void)wire().take_notifications();
    const auto open = wire().open_for_writing(directory, "root.img");
    ASSERT_EQ(open.error, 0);
    EXPECT_EQ(wire().write(open.node, open.handle, 0, "second"), 0);
    EXPECT_EQ(wire().flush(open.node, open.handle), 0);
    EXPECT_EQ(wire().release(open.node, open.handle), 0);

    std::vector<NodeId> told;
    for (const auto& [code, body] : wire().take_notifications()) {
        if (code != FUSE_NOTIFY_INVAL_INODE) continue;
        fuse_notify_inval_inode_out out{};
        ASSERT_GE(body.size(), sizeof out);
        std::memcpy(&out, body.data(), sizeof out);
        EXPECT_LT(out.off, 0);  // attributes only: a state's data never changes
        told.push_back(out.ino);
    }
    EXPECT_NE(std::ranges::find(told, before.nodeid), told.end());
    EXPECT_NE(wire().getattr(before.nodeid).out.attr.ino, before.attr.ino);
    EXPECT_EQ(wire().getattr(before.nodeid).out.attr.mode & 0222, 0U);
}

// The lock of a directory that a request holds: see fs/fuse/notifier.h.
TEST_F(Notifications, NoEntryIsEverInvalidatedByName) {
    begin();
    const auto directory = work_directory();
    EXPECT_EQ(wire().rename(directory, "root.img", directory, "other.img"), 0);
    EXPECT_EQ(wire().unlink(directory, "other.img"), 0);
    for (const auto& each : wire().take_notifications()) {
        EXPECT_NE(each.code, FUSE_NOTIFY_INVAL_ENTRY);
        EXPECT_NE(each.code, FUSE_NOTIFY_DELETE);
    }
}

// Changes go on when there is nobody to tell.
TEST_F(Notifications, NobodyListens) {
    begin();
    end_session();
    EXPECT_TRUE(succeeded(volumes_.take_snapshot(volume_, engine_test::label("kept"))));
    begin();
    wire().stop_listening();
    EXPECT_TRUE(succeeded(volumes_.take_snapshot(volume_, engine_test::label("too"))));
}

}  // namespace
}  // namespace varve::fuse_test
