// SPDX-License-Identifier: LGPL-2.1-or-later
// Requests that nobody waits for any more, and sessions that end in the middle of things.
#include "tests/fuse/fuse_world.h"

#include <fcntl.h>

namespace varve::fuse_test {
namespace {

class Ending : public FuseWorld {
protected:
    Ending() {
        begin();
        directory_ = work_directory();
    }
    std::size_t known_nodes() {
        return nodes_.select([](const fuse::Node&) { return true; }).size();
    }
    // A further session over the same server lets go of what an ended one left open, which a process that ends need not do.
    void release_in_a_new_session(const std::vector<Wire::Opened>& left) {
        begin();
        wire().act_as(0);
        for (const auto& open : left) EXPECT_EQ(wire().release(open.node, open.handle), 0);
    }
    void expect_first() {
        EXPECT_EQ(World::read(volume_), "first");
        EXPECT_TRUE(volume_.view()->revisions.empty());
    }

    VolumeRef volume_ = work();
    NodeId directory_ = 0;
};

TEST_F(Ending, InterruptingWhatIsUnknownOrAnswered) {
    const auto asked = wire().send(FUSE_GETATTR, directory_, raw(fuse_getattr_in{}));
    EXPECT_EQ(wire().wait(asked).error, 0);
    for (const auto unique : {asked, Unique{0}, Unique{123456}, ~Unique{0}}) wire().send(FUSE_INTERRUPT, 0, raw(fuse_interrupt_in{unique}));
    // An INTERRUPT of something unknown waits for it to come, is asked to come again, or is dropped: nothing else may suffer.
    for (int i = 0; i < 50; ++i) EXPECT_EQ(wire().getattr(directory_).error, 0);
    EXPECT_EQ(wire().content(directory_, "root.img"), "first");
}

// It overtakes the request that it is for: that is answered all the same.
TEST_F(Ending, AnInterruptThatComesFirst) {
    const auto next = wire().send(FUSE_STATFS, directory_, "") + 4;
    wire().send(FUSE_INTERRUPT, 0, raw(fuse_interrupt_in{next}));
    const auto asked = wire().send(FUSE_GETATTR, directory_, raw(fuse_getattr_in{}));
    ASSERT_EQ(asked, next);
    EXPECT_EQ(wire().wait(asked).error, 0);
}

TEST_F(Ending, DestroyInTheMiddle) {
    wire().act_as(100);
    const auto open = wire().open_for_writing(directory_, "root.img");
    ASSERT_EQ(open.error, 0);
    ASSERT_EQ(wire().write(open.node, open.handle, 0, "half of it"), 0);
    EXPECT_EQ(wire().call(FUSE_DESTROY, 0, "").error, 0);
    expect_first();
    end_session();
    expect_first();
    processes_.kill(100);
    release_in_a_new_session({});
    wire().act_as(100);
    (void)wire().flush(open.node, open.handle);  // killed, so that nothing of it is committed
    EXPECT_EQ(wire().release(open.node, open.handle), 0);
    expect_first();
}

TEST_F(Ending, HangingUpWithOpenHandles) {
    wire().act_as(100);
    const auto writing = wire().open_for_writing(directory_, "root.img");
    ASSERT_EQ(writing.error, 0);
    ASSERT_EQ(wire().write(writing.node, writing.handle, 0, "half of it"), 0);
    const auto scratch = wire().create(directory_, ".scratch", O_WRONLY);
    ASSERT_EQ(scratch.error, 0);
    ASSERT_EQ(wire().write(scratch.out.entry.nodeid, scratch.out.open.fh, 0, "scratch"), 0);
    const auto created = wire().create(directory_, "new.img", O_WRONLY);
    ASSERT_EQ(created.error, 0);
    ASSERT_EQ(wire().write(created.out.entry.nodeid, created.out.open.fh, 0, "new"), 0);
    const auto file = wire().lookup(directory_, "root.img").out.nodeid;
    const auto reading = wire().open(file, O_RDONLY);
    const auto listing = wire().opendir(directory_);
    end_session();

    expect_first();
    EXPECT_FALSE((VolumeRef{volume_.vm, engine_test::volume_name("new")}.view()));
    processes_.kill(100);
    begin();
    wire().act_as(100);
    (void)wire().flush(writing.node, writing.handle);
    (void)wire().flush(created.out.entry.nodeid, created.out.open.fh);
    EXPECT_EQ(wire().releasedir(directory_, listing.out.fh), 0);
    for (const auto& [node, handle] :
         {std::pair(writing.node, writing.handle), std::pair(file, reading.out.fh),
          std::pair(scratch.out.entry.nodeid, scratch.out.open.fh), std::pair(created.out.entry.nodeid, created.out.open.fh)})
        EXPECT_EQ(wire().release(node, handle), 0);
    expect_first();
    EXPECT_FALSE((VolumeRef{volume_.vm, engine_test::volume_name("new")}.view()));
}

TEST_F(Ending, HangingUpWithAnAnnouncedOpen) {
    wire().act_as(100);
    EXPECT_EQ(wire().open(wire().lookup(directory_, "root.img").out.nodeid, O_WRONLY | O_TRUNC).error, ESTALE);
    end_session();
    expect_first();
    // The announcement stays, for a while, and is in nobody's way.
    begin();
    wire().act_as(100);
    const auto open = wire().open_for_writing(work_directory(), "root.img");
    ASSERT_EQ(open.error, 0);
    EXPECT_EQ(wire().release(open.node, open.handle), 0);
    EXPECT_TRUE(nothing_is_written(volume_));
}

TEST_F(Ending, HangingUpWithRequestsUnderWay) {
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < 10; ++i) {
            wire().send(FUSE_LOOKUP, directory_, name_of("root.img"));
            wire().send(FUSE_STATFS, directory_, "");
            wire().send(FUSE_GETATTR, directory_, raw(fuse_getattr_in{}));
        }
        end_session();
        begin();
        directory_ = work_directory();
    }
    expect_first();
}

// The callers were killed before their answers came: what those would have given them is taken back.
TEST_F(Ending, AnswersThatNobodyTakes) {
    const auto before = known_nodes();
    wire().act_as(100);
    const auto file = wire().lookup(directory_, "root.img").out.nodeid;
    EXPECT_EQ(wire().open(file, O_WRONLY).error, ESTALE);
    const auto own = wire().lookup(directory_, "root.img").out.nodeid;
    const auto listing = wire().opendir(directory_).out.fh;
    wire().stop_listening();
    wire().send(FUSE_OPEN, own, raw(fuse_open_in{O_WRONLY, 0}));
    wire().send(FUSE_OPEN, file, raw(fuse_open_in{O_RDONLY, 0}));
    wire().send(FUSE_LOOKUP, directory_, name_of("root.img"));
    wire().send(FUSE_LOOKUP, directory_, name_of(".varve"));
    wire().send(FUSE_OPENDIR, directory_, raw(fuse_open_in{}));
    wire().send(FUSE_CREATE, directory_, raw(fuse_create_in{O_WRONLY, S_IFREG | 0644, 0, 0}) + name_of(".scratch"));
    wire().send(FUSE_CREATE, directory_, raw(fuse_create_in{O_WRONLY, S_IFREG | 0644, 0, 0}) + name_of("new.img"));
    fuse_read_in plus{};
    plus.fh = listing;
    plus.size = 1U << 15;
    wire().send(FUSE_READDIRPLUS, directory_, raw(plus));
    wire().batch_forget({{file, 1}, {own, 1}});
    // Until the open that was announced has come; a session that ends before leaves the announcement.
    EXPECT_TRUE(eventually([&] { return known_nodes() == before && nothing_is_written(volume_); })) << known_nodes() << " of " << before;
    end_session();

    EXPECT_TRUE(nothing_is_written(volume_));
    expect_first();
    begin();
    EXPECT_EQ(wire().releasedir(directory_, listing), 0);
}

}  // namespace
}  // namespace varve::fuse_test
