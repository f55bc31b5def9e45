// SPDX-License-Identifier: LGPL-2.1-or-later
// An open for writing as the wire sees it: ESTALE once, then a node of the writer's own until it commits.
#include "tests/fuse/fuse_world.h"

#include <fcntl.h>
#include <sys/stat.h>

namespace varve::fuse_test {
namespace {

constexpr pid_t writer = 100;
constexpr pid_t other = 200;

class Writing : public FuseWorld {
protected:
    Writing() {
        begin();
        directory_ = work_directory();
    }
    fuse_entry_out file() {
        const auto found = wire().lookup(directory_, "root.img");
        EXPECT_EQ(found.error, 0);
        return found.out;
    }
    std::string content_for(pid_t pid) {
        wire().act_as(pid);
        return wire().content(directory_, "root.img");
    }

    VolumeRef volume_ = work();
    NodeId directory_ = 0;
};

TEST_F(Writing, TheWriterAloneIsShownItsTransaction) {
    wire().act_as(writer);
    const auto committed = file();
    EXPECT_EQ(wire().open(committed.nodeid, O_WRONLY).error, ESTALE);

    wire().act_as(other);
    EXPECT_EQ(file().nodeid, committed.nodeid);
    wire().act_as(writer);
    const auto own = file();
    EXPECT_NE(own.nodeid, committed.nodeid);
    EXPECT_EQ(own.attr.ino, committed.attr.ino);
    EXPECT_EQ(own.attr.size, committed.attr.size);
    EXPECT_EQ(own.entry_valid, 0U);
    EXPECT_EQ(own.entry_valid_nsec, 0U);
    EXPECT_EQ(own.attr_valid, 0U);
    EXPECT_EQ(own.attr_valid_nsec, 0U);
    const auto opened = wire().open(own.nodeid, O_WRONLY);
    ASSERT_EQ(opened.error, 0);
    EXPECT_EQ(opened.out.open_flags & (FOPEN_KEEP_CACHE | FOPEN_NOFLUSH), 0U);

    // The announcement was for that one open.
    const auto later = file();
    EXPECT_EQ(later.nodeid, committed.nodeid);
    EXPECT_EQ(later.entry_valid, 0U);  // it may show somebody something else at any time
    EXPECT_EQ(wire().release(own.nodeid, opened.out.fh), 0);
    EXPECT_EQ(volume_.view()->revisions.size(), 0U);  // nothing was written
}

TEST_F(Writing, FlushCommits) {
    const auto before = file();
    const auto reader = wire().open(before.nodeid, O_RDONLY);
    wire().act_as(writer);
    const auto open = wire().open_for_writing(directory_, "root.img");
    ASSERT_EQ(open.error, 0);
    EXPECT_EQ(wire().write(open.node, open.handle, 0, "second"), 0);
    EXPECT_EQ(content_for(other), "first");
    wire().act_as(writer);
    EXPECT_EQ(wire().flush(open.node, open.handle), 0);
    EXPECT_EQ(content_for(other), "second");
    EXPECT_EQ(volume_.view()->revisions.size(), 1U);

    const auto after = file();
    EXPECT_NE(after.nodeid, before.nodeid);
    EXPECT_EQ(after.attr.ino, before.attr.ino);
    EXPECT_EQ(wire().read(before.nodeid, reader.out.fh, 0, 5).body, "first");  // who had it open keeps it
    EXPECT_EQ(wire().release(before.nodeid, reader.out.fh), 0);

    // More of the same open file amends the commit.
    wire().act_as(writer);
    EXPECT_EQ(wire().write(open.node, open.handle, 6, " half"), 0);
    EXPECT_EQ(content_for(other), "second");
    wire().act_as(writer);
    EXPECT_EQ(wire().flush(open.node, open.handle), 0);
    EXPECT_EQ(wire().release(open.node, open.handle), 0);
    EXPECT_EQ(content_for(other), "second half");
    EXPECT_EQ(volume_.view()->revisions.size(), 1U);
    EXPECT_EQ(file().attr.ino, before.attr.ino);
    EXPECT_GT(file().entry_valid, 0U);
}

TEST_F(Writing, ASecondWriterWaitsItsTurn) {
    wire().act_as(writer);
    const auto open = wire().open_for_writing(directory_, "root.img");
    ASSERT_EQ(open.error, 0);
    EXPECT_EQ(wire().write(open.node, open.handle, 0, "second"), 0);

    wire().act_as(other);
    EXPECT_EQ(wire().open_for_writing(directory_, "root.img").error, EBUSY);
    EXPECT_EQ(wire().open(open.node, O_WRONLY).error, EBUSY);  // a node that was shown to somebody else

    wire().act_as(writer);
    const auto again = wire().open_for_writing(directory_, "root.img");  // the same process may
    ASSERT_EQ(again.error, 0);
    EXPECT_EQ(again.node, open.node);
    EXPECT_EQ(wire().write(again.node, again.handle, 6, "!"), 0);
    EXPECT_EQ(wire().flush(open.node, open.handle), 0);
    EXPECT_EQ(wire().release(open.node, open.handle), 0);
    EXPECT_EQ(wire().flush(again.node, again.handle), 0);
    EXPECT_EQ(wire().release(again.node, again.handle), 0);
    EXPECT_EQ(content_for(other), "second!");

    const auto next = wire().open_for_writing(directory_, "root.img");
    ASSERT_EQ(next.error, 0);
    EXPECT_EQ(wire().write(next.node, next.handle, 0, "third"), 0);
    EXPECT_EQ(wire().flush(next.node, next.handle), 0);
    EXPECT_EQ(wire().release(next.node, next.handle), 0);
    EXPECT_EQ(content_for(writer), "thirdd!");
    EXPECT_TRUE(nothing_is_written(volume_));
}

// A thread waits for one open at a time: when it asks for another, the first will not come.
TEST_F(Writing, AnAnnouncementThatIsNotFollowedUp) {
    (void)origin("work", "private");
    commit({vm("work"), engine_test::volume_name("private")}, "data", 1'500'000'001);
    wire().act_as(writer);
    EXPECT_EQ(wire().open(file().nodeid, O_WRONLY).error, ESTALE);
    wire().act_as(other);
    EXPECT_EQ(wire().open(file().nodeid, O_WRONLY).error, EBUSY);
    wire().act_as(writer);
    const auto elsewhere = wire().open_for_writing(directory_, "private.img");
    ASSERT_EQ(elsewhere.error, 0);
    wire().act_as(other);
    const auto open = wire().open_for_writing(directory_, "root.img");
    ASSERT_EQ(open.error, 0);
    EXPECT_EQ(wire().release(open.node, open.handle), 0);
    EXPECT_EQ(wire().release(elsewhere.node, elsewhere.handle), 0);
}

// A shell closes once before the program writes, so an emptied file is committed when the last handle goes.
TEST_F(Writing, ATruncationIsCommittedAtTheRelease) {
    wire().act_as(writer);
    const auto open = wire().open_for_writing(directory_, "root.img", O_TRUNC);
    ASSERT_EQ(open.error, 0);
    EXPECT_EQ(wire().getattr(open.node).out.attr.size, 0U);
    EXPECT_EQ(content_for(other), "first");
    wire().act_as(writer);
    EXPECT_EQ(wire().flush(open.node, open.handle), 0);
    EXPECT_EQ(content_for(other), "first");
    EXPECT_EQ(wire().release(open.node, open.handle), 0);
    EXPECT_EQ(content_for(other), "");
    EXPECT_EQ(file().attr.size, 0U);
    EXPECT_EQ(volume_.view()->revisions.size(), 1U);
}

TEST_F(Writing, WhatAKilledWriterWroteIsDropped) {
    const auto before = file();
    wire().act_as(writer);
    const auto open = wire().open_for_writing(directory_, "root.img");
    ASSERT_EQ(open.error, 0);
    EXPECT_EQ(wire().write(open.node, open.handle, 0, "half of it"), 0);
    processes_.kill(writer);
    (void)wire().flush(open.node, open.handle);  // a dead process does not look at it
    wire().act_as(0);                            // the kernel closes for it
    EXPECT_EQ(wire().release(open.node, open.handle), 0);
    EXPECT_EQ(content_for(other), "first");
    EXPECT_EQ(file().nodeid, before.nodeid);
    EXPECT_TRUE(volume_.view()->revisions.empty());
    EXPECT_TRUE(nothing_is_written(volume_));
}

TEST_F(Writing, ModeAndTimeArriveOnTheTransaction) {
    wire().act_as(writer);
    const auto open = wire().open_for_writing(directory_, "root.img");
    ASSERT_EQ(open.error, 0);
    EXPECT_EQ(wire().write(open.node, open.handle, 0, "second"), 0);
    fuse_setattr_in wanted{};
    wanted.valid = FATTR_MODE | FATTR_MTIME;
    wanted.mode = 0600;
    wanted.mtime = 1'234'567'890;
    EXPECT_EQ(wire().setattr(open.node, wanted).error, 0);
    EXPECT_EQ(wire().flush(open.node, open.handle), 0);
    EXPECT_EQ(wire().release(open.node, open.handle), 0);
    EXPECT_EQ(file().attr.mtime, 1'234'567'890U);
}

TEST_F(Writing, ACreatedVolume) {
    wire().act_as(writer);
    const auto made = wire().create(directory_, "new.img", O_WRONLY | O_EXCL);
    ASSERT_EQ(made.error, 0);
    EXPECT_EQ(made.out.entry.entry_valid, 0U);
    wire().act_as(other);
    EXPECT_EQ(wire().lookup(directory_, "new.img").out.nodeid, made.out.entry.nodeid);  // everybody sees what is being made
    EXPECT_EQ(wire().create(directory_, "new.img", O_WRONLY).error, ESTALE);            // look again
    wire().act_as(writer);
    EXPECT_EQ(wire().write(made.out.entry.nodeid, made.out.open.fh, 0, "new" + std::string(4093, '\0')), 0);
    EXPECT_EQ(wire().flush(made.out.entry.nodeid, made.out.open.fh), 0);
    const auto closed = wire().lookup(directory_, "new.img");  // the release is late
    ASSERT_EQ(closed.error, 0);
    EXPECT_NE(closed.out.nodeid, made.out.entry.nodeid);
    EXPECT_EQ(wire().link(closed.out.nodeid, directory_, "new.img@kept").error, 0);
    EXPECT_EQ(wire().release(made.out.entry.nodeid, made.out.open.fh), 0);
    EXPECT_EQ(wire().content(directory_, "new.img@kept"), "new");
    const auto after = wire().lookup(directory_, "new.img");
    ASSERT_EQ(after.error, 0);
    EXPECT_NE(after.out.nodeid, made.out.entry.nodeid);
    EXPECT_EQ(after.out.attr.ino, made.out.entry.attr.ino);
    EXPECT_EQ(after.out.attr.size, 4096U);
    EXPECT_EQ(wire().content(directory_, "new.img"), "new");
}

TEST_F(Writing, RevisionsAreReadOnly) {
    ASSERT_TRUE(succeeded(volumes_.take_snapshot(volume_, engine_test::label("kept"))));
    const auto revision = wire().lookup(directory_, "root.img@kept");
    ASSERT_EQ(revision.error, 0);
    EXPECT_EQ(wire().open(revision.out.nodeid, O_WRONLY).error, EROFS);
    EXPECT_EQ(wire().open(revision.out.nodeid, O_RDWR | O_TRUNC).error, EROFS);
    const auto opened = wire().open(revision.out.nodeid, O_RDONLY);
    ASSERT_EQ(opened.error, 0);
    EXPECT_EQ(wire().write(revision.out.nodeid, opened.out.fh, 0, "x"), EROFS);  // a kernel keeps that back
    EXPECT_EQ(wire().release(revision.out.nodeid, opened.out.fh), 0);
    EXPECT_EQ(wire().content(directory_, "root.img@kept"), "first");
}

}  // namespace
}  // namespace varve::fuse_test
