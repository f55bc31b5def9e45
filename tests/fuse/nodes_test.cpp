// SPDX-License-Identifier: LGPL-2.1-or-later
// Node numbers: counted look-ups, and what becomes of numbers that were forgotten or never given.
#include "tests/fuse/fuse_world.h"

#include <fcntl.h>
#include <gmock/gmock.h>

namespace varve::fuse_test {
namespace {

using testing::AnyOf;

class Nodes : public FuseWorld {
protected:
    Nodes() {
        (void)work();
        begin();
        directory_ = work_directory();
    }

    // Requests are answered by several threads: a FORGET, which has no answer, may still be under way when the next request is done. In one
    // BATCH_FORGET the order holds, so when the last node is gone the others have been dealt with.
    void forget_and_wait(std::vector<fuse_forget_one> each) {
        const auto last = wire().lookup(root_node, "vms").out.nodeid;
        each.push_back({last, 1});
        wire().batch_forget(each);
        EXPECT_TRUE(eventually([&] { return wire().getattr(last).error == ESTALE; }));
    }

    NodeId directory_ = 0;
};

TEST_F(Nodes, LiveUntilEveryLookUpIsForgotten) {
    NodeId file = 0;
    for (int i = 0; i < 3; ++i) {
        const auto found = wire().lookup(directory_, "root.img");
        ASSERT_EQ(found.error, 0);
        EXPECT_TRUE(file == 0 || file == found.out.nodeid);
        file = found.out.nodeid;
    }
    forget_and_wait({{file, 2}});
    EXPECT_EQ(wire().getattr(file).error, 0);
    forget_and_wait({{file, 1}});
    EXPECT_EQ(wire().getattr(file).error, ESTALE);
    EXPECT_FALSE(nodes_.get(file));

    const auto again = wire().lookup(directory_, "root.img");
    ASSERT_EQ(again.error, 0);
    EXPECT_EQ(again.out.nodeid, file) << "a state has its number for good";
    EXPECT_EQ(wire().getattr(again.out.nodeid).error, 0);
}

TEST_F(Nodes, ANumberIsNeverUsedForSomethingElse) {
    const auto old = wire().lookup(directory_, "root.img").out.nodeid;
    forget_and_wait({{old, 1}});
    const auto opened = wire().open_for_writing(directory_, "root.img");
    ASSERT_EQ(opened.error, 0);
    EXPECT_NE(opened.node, old) << "a transaction is not the state that it starts from";
    ASSERT_EQ(wire().write(opened.node, opened.handle, 0, std::string(512, 'n')), 0);
    ASSERT_EQ(wire().flush(opened.node, opened.handle), 0);
    ASSERT_EQ(wire().release(opened.node, opened.handle), 0);
    EXPECT_NE(wire().lookup(directory_, "root.img").out.nodeid, old) << "another state has the path";
}

// Every path begins with the root, which has no look-up that would carry its attributes.
TEST_F(Nodes, TheRootsAttributesAreCached) {
    EXPECT_GT(wire().getattr(root_node).out.attr_valid, 60U);
    EXPECT_GT(wire().getattr(directory_).out.attr_valid, 60U);
}

TEST_F(Nodes, ASingleForgetFreesToo) {
    const auto file = wire().lookup(directory_, "root.img").out.nodeid;
    wire().forget(file, 1);
    EXPECT_TRUE(eventually([&] { return wire().getattr(file).error == ESTALE; }));
}

TEST_F(Nodes, ForgettingMoreThanWasLookedUp) {
    const auto file = wire().lookup(directory_, "root.img").out.nodeid;
    forget_and_wait({{file, ~std::uint64_t{0}}});
    EXPECT_EQ(wire().getattr(file).error, ESTALE);
    forget_and_wait({{file, 1}, {file, 0}, {987654321, 5}, {0, 1}, {~std::uint64_t{0}, 1}});
    EXPECT_EQ(wire().lookup(directory_, "root.img").error, 0);
}

TEST_F(Nodes, TheRootIsNeverForgotten) {
    forget_and_wait({{root_node, 1}, {root_node, ~std::uint64_t{0}}});
    EXPECT_EQ(wire().getattr(root_node).error, 0);
    EXPECT_EQ(wire().content(work_directory(), "root.img"), "first");
}

TEST_F(Nodes, AHandleOutlivesItsNode) {
    const auto file = wire().lookup(directory_, "root.img").out.nodeid;
    const auto opened = wire().open(file, O_RDONLY);
    ASSERT_EQ(opened.error, 0);
    forget_and_wait({{file, 1}});
    EXPECT_EQ(wire().read(file, opened.out.fh, 0, 5).body, "first");
    EXPECT_EQ(wire().open(file, O_RDONLY).error, ESTALE);
    EXPECT_EQ(wire().release(file, opened.out.fh), 0);
}

TEST_F(Nodes, AForgottenDirectoryDoesNotTakeItsEntriesAlong) {
    const auto file = wire().lookup(directory_, "root.img").out.nodeid;
    forget_and_wait({{directory_, 1}});
    EXPECT_EQ(wire().getattr(file).error, 0);
    EXPECT_THAT(wire().lookup(directory_, "root.img").error, AnyOf(ESTALE, EIO));
}

// Only the requests that name a node and no handle: the handle in READ, WRITE, FLUSH, RELEASE and their like is a pointer that we gave out.
// Whoever can write to /dev/fuse is the kernel, which sends back what it got, so handles that were never given are not tried.
TEST_F(Nodes, UnknownNumbersInEveryRequest) {
    struct Case {
        const char* what;
        std::uint32_t opcode;
        std::string body;
    };
    const auto unlooked = NodeId{1} << 40;
    const std::vector<Case> requests = {
        {"LOOKUP", FUSE_LOOKUP, name_of("a")},
        {"GETATTR", FUSE_GETATTR, raw(fuse_getattr_in{})},
        {"SETATTR", FUSE_SETATTR, raw(fuse_setattr_in{})},
        {"READLINK", FUSE_READLINK, ""},
        {"SYMLINK", FUSE_SYMLINK, name_of("a.img") + name_of("b.img")},
        {"MKNOD", FUSE_MKNOD, raw(fuse_mknod_in{S_IFREG | 0644, 0, 0, 0}) + name_of("a.img")},
        {"MKDIR", FUSE_MKDIR, raw(fuse_mkdir_in{0755, 0}) + name_of("a")},
        {"UNLINK", FUSE_UNLINK, name_of("root.img")},
        {"RMDIR", FUSE_RMDIR, name_of("work")},
        {"RENAME", FUSE_RENAME, raw(fuse_rename_in{directory_}) + name_of("root.img") + name_of("b.img")},
        {"RENAME2", FUSE_RENAME2, raw(fuse_rename2_in{directory_, 0, 0}) + name_of("root.img") + name_of("b.img")},
        {"LINK", FUSE_LINK, raw(fuse_link_in{directory_}) + name_of("root.img@a")},
        {"OPEN to read", FUSE_OPEN, raw(fuse_open_in{O_RDONLY, 0})},
        {"OPEN to write", FUSE_OPEN, raw(fuse_open_in{O_RDWR, 0})},
        {"STATFS", FUSE_STATFS, ""},
        {"OPENDIR", FUSE_OPENDIR, raw(fuse_open_in{})},
        {"CREATE", FUSE_CREATE, raw(fuse_create_in{O_RDWR, S_IFREG | 0644, 0, 0}) + name_of("a.img")},
    };
    for (const auto unknown : {unlooked, NodeId{0}, ~NodeId{0}})
        for (const auto& [what, opcode, body] : requests)
            EXPECT_THAT(wire().call(opcode, unknown, body).error, AnyOf(ESTALE, EIO)) << what << " on node " << unknown;
    // The second node of those that name two.
    EXPECT_EQ(wire().rename(directory_, "root.img", unlooked, "b.img"), ESTALE);
    EXPECT_EQ(wire().call(FUSE_LINK, directory_, raw(fuse_link_in{unlooked}) + name_of("root.img@a")).error, ESTALE);
    EXPECT_EQ(wire().content(directory_, "root.img"), "first");
}

TEST_F(Nodes, WrongKindsOfNodes) {
    const auto file = wire().lookup(directory_, "root.img").out.nodeid;
    EXPECT_EQ(wire().lookup(file, "root.img").error, ENOENT);
    EXPECT_NE(wire().opendir(file).error, 0);
    EXPECT_EQ(wire().open(directory_, O_RDONLY).error, EINVAL);
    EXPECT_EQ(wire().open(directory_, O_RDWR).error, EINVAL);
    EXPECT_EQ(wire().call(FUSE_READLINK, file, "").error, EINVAL);
    EXPECT_EQ(wire().create(file, "a.img", O_RDWR).error, EPERM);
    EXPECT_EQ(wire().create(root_node, "a.img", O_RDWR).error, EPERM);
    EXPECT_EQ(wire().unlink(root_node, "pools"), EPERM);
    EXPECT_EQ(wire().rename(root_node, "pools", root_node, "other"), EPERM);
    EXPECT_EQ(wire().call(FUSE_LINK, directory_, raw(fuse_link_in{directory_}) + name_of("root.img@a")).error, EPERM);
}

}  // namespace
}  // namespace varve::fuse_test
