// SPDX-License-Identifier: LGPL-2.1-or-later
// What has no meaning is refused with its errno, changes nothing, and is explained in `.varve/errors`.
#include "tests/mount/posix/one_volume.h"

#include <fcntl.h>
#include <stdio.h>  // RENAME_*
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>

namespace varve::test_support {
namespace {

class RefusedTest : public OneVolumeTest {};

Errno result_of(long result) { return Errno{result < 0 ? errno : 0}; }

TEST_F(RefusedTest, Exchange) {
    ASSERT_EQ(write_file(at("second.img"), new_content_), ok);
    EXPECT_REFUSED(EINVAL, rename_path(data(), at("second.img"), RENAME_EXCHANGE));
    ASSERT_EQ(write_file(data(), new_content_), ok);
    EXPECT_REFUSED(EINVAL, rename_path(data(), data_old(), RENAME_EXCHANGE));
    EXPECT_EQ(read_file(data_old()), old_content_);
}

TEST_F(RefusedTest, WhiteoutAndUnknownFlags) { EXPECT_REFUSED_BY_KERNEL(EINVAL, rename_path(data(), at("second.img"), RENAME_WHITEOUT)); }

TEST_F(RefusedTest, SpecialFiles) {
    for (const mode_t kind : {S_IFIFO, S_IFCHR, S_IFBLK, S_IFSOCK}) {
        SCOPED_TRACE(kind);
        EXPECT_REFUSED(EPERM, result_of(::mknod(at("special.img").c_str(), kind | 0644, 0)));
        EXPECT_FALSE(present(at("special.img")));
    }
}

TEST_F(RefusedTest, ExtendedAttributes) {
    std::array<char, 64> buffer{};
    EXPECT_EQ(result_of(::setxattr(data().c_str(), "user.x", "1", 1, 0)), Errno{ENOTSUP});
    EXPECT_EQ(result_of(::getxattr(data().c_str(), "user.x", buffer.data(), buffer.size())), Errno{ENOTSUP});
    EXPECT_EQ(result_of(::removexattr(data().c_str(), "user.x")), Errno{ENOTSUP});
    EXPECT_EQ(result_of(::setxattr(vm_path().c_str(), "user.x", "1", 1, 0)), Errno{ENOTSUP});
    const auto listed = ::listxattr(data().c_str(), buffer.data(), buffer.size());
    EXPECT_TRUE(listed == 0 || errno == ENOTSUP) << listed << " " << Errno{errno};
}

TEST_F(RefusedTest, WritingToARevision) {
    ASSERT_EQ(write_file(data(), new_content_), ok);
    ASSERT_EQ(link_file(data(), at("data.img@golden")), ok);
    for (const auto& path : {data_old(), at("data.img@golden")}) {
        SCOPED_TRACE(path);
        for (const int flags : {O_WRONLY, O_RDWR, O_RDWR | O_TRUNC, O_WRONLY | O_APPEND})
            EXPECT_REFUSED(EROFS, open_and_close(path, flags));
        EXPECT_REFUSED(EROFS, truncate_path(path, 0));
    }
    EXPECT_EQ(read_file(data_old()), old_content_);
}

TEST_F(RefusedTest, ReplacingWhatMustNotBeReplaced) {
    ASSERT_EQ(write_file(data(), new_content_), ok);
    ASSERT_EQ(write_file(at("second.img"), pattern('s', 4096)), ok);
    ASSERT_EQ(symlink_to("../" + vm() + "/data.img", at("link.img")), ok);
    ASSERT_EQ(vm_command("create volatile volatile 1M").error, ok);
    ASSERT_EQ(write_file(at(".x"), pattern('x', 4096)), ok);
    EXPECT_REFUSED(EEXIST, rename_path(data(), at("second.img")));
    EXPECT_REFUSED(EEXIST, rename_path(data(), at("link.img")));
    EXPECT_REFUSED(EEXIST, rename_path(data(), at("volatile.img")));
    EXPECT_REFUSED(EINVAL, rename_path(data(), data_old()));
    EXPECT_REFUSED(EINVAL, rename_path(at(".x"), at("link.img")));
    EXPECT_REFUSED(EINVAL, rename_path(at(".x"), at("volatile.img")));
    EXPECT_REFUSED(EINVAL, rename_path(data_old(), at("link.img")));
    EXPECT_REFUSED_BY_KERNEL(EISDIR, rename_path(data(), vm_path() / ".varve"));
    EXPECT_NE(rename_path(data(), mount() / "vms" / vm() / "data.img"), ok);
    ASSERT_EQ(remove_file(at(".x")), ok);
}

TEST_F(RefusedTest, AReasonHasEverythingThatIsKnown) {
    must("data", "start");
    const auto target = at("moved.img");
    ASSERT_EQ(rename_path(data(), target), Errno{EBUSY});
    const auto all = complaints();
    ASSERT_FALSE(all.empty());
    const auto& last = all.back();
    EXPECT_EQ(last.pid, ::getpid());
    EXPECT_EQ(last.uid, ::getuid());
    EXPECT_EQ(last.operation, "rename");
    EXPECT_EQ(last.path, "pools/fast/" + vm() + "/data.img");
    EXPECT_EQ(last.error, Errno{EBUSY});
    EXPECT_EQ(last.name, "EBUSY");
    EXPECT_NE(last.message.find("data"), std::string::npos) << last.message;
    EXPECT_FALSE(last.message.ends_with('.')) << last.message;
    must("data", "discard");
}

TEST_F(RefusedTest, APidIsTheProcesssNotTheThreads) {
    must("data", "start");
    Errno result;
    std::thread([&] { result = open_and_close(data(), O_WRONLY); }).join();
    EXPECT_EQ(result, Errno{EBUSY});
    EXPECT_EQ(complaints().back().pid, ::getpid());
    must("data", "discard");
}

TEST_F(RefusedTest, TheControlTreeHasAFixedShape) {
    EXPECT_NE(remove_file(control("data", "state")), ok);
    EXPECT_NE(touch_new(control("data", "new")), ok);
    EXPECT_NE(rename_path(control("data", "state"), control("data", "other")), ok);
    EXPECT_NE(remove_directory(vm_path() / ".varve" / "data"), ok);
    EXPECT_NE(link_file(control("data", "state"), at("x.img")), ok);
    EXPECT_NE(open_and_close(control("data", "state"), O_WRONLY), ok);
    EXPECT_EQ(value("data", "state"), "halted");
}

}  // namespace
}  // namespace varve::test_support
