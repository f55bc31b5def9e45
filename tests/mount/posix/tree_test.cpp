// SPDX-License-Identifier: LGPL-2.1-or-later
// The shape of the tree, its names, the hidden control directory and the view by VM.
#include "tests/mount/posix/one_volume.h"

#include <fcntl.h>

#include <algorithm>

namespace varve::test_support {
namespace {

class TreeTest : public OneVolumeTest {};

TEST_F(TreeTest, TheRootHoldsPoolsAndVms) {
    EXPECT_EQ(list_directory(mount()), (Names{"pools", "vms"}));
    EXPECT_EQ(list_directory(mount() / "pools"), (Names{"fast", "other"}));
    for (const auto& directory : {mount(), mount() / "pools", mount() / "vms", pool(), vm_path()})
        EXPECT_TRUE(S_ISDIR(stat_of(directory).st_mode)) << directory;
    EXPECT_TRUE(S_ISREG(stat_of(data()).st_mode));
}

TEST_F(TreeTest, TheControlDirectoryIsReachableAndNeverListed) {
    for (const auto& directory : {mount(), pool(), vm_path()}) {
        for (const auto& name : list_directory(directory)) EXPECT_NE(name.front(), '.') << directory;
        EXPECT_TRUE(S_ISDIR(stat_of(directory / ".varve").st_mode)) << directory;
    }
    EXPECT_EQ(control_value(mount() / ".varve" / "version").find(std::string("varve ") + VARVE_VERSION + "\npassthrough "), 0U);
    EXPECT_FALSE(present(mount() / "pools" / ".varve"));
    EXPECT_FALSE(present(mount() / ".varve" / "nothing"));
}

TEST_F(TreeTest, NothingThereIsNoEntry) {
    for (const auto& path :
         {mount() / "x", mount() / "pools" / "x", pool() / "nobody", at("nothing.img"), at("data.img@2001-01-01T00:00:00Z"),
          at("data.img@label"), at("No Name"), at("data.qcow2"), data() / "x", control("nothing", "state")})
        EXPECT_NE(stat_error(path), ok) << path;
    EXPECT_EQ(stat_error(at("nothing.img")), Errno{ENOENT});
    EXPECT_EQ(stat_error(at("data.qcow2")), Errno{ENOENT});
    EXPECT_EQ(stat_error(data() / "x"), Errno{ENOTDIR});
}

TEST_F(TreeTest, LegalVolumeNames) {
    for (const std::string name : {"a", "root", "private2", "a23456789012345678901234567890z2"}) {
        EXPECT_EQ(touch_new(at(name + ".img")), ok) << name;
        EXPECT_TRUE(present(at(name + ".img")));
    }
}

TEST_F(TreeTest, IllegalVolumeNames) {
    for (const std::string name : {"Root.img",
                                   "1root.img",
                                   "ro-ot.img",
                                   "root-dirty.img",
                                   "ro_ot.img",
                                   "root",
                                   "root.IMG",
                                   "root.qcow2",
                                   "img",
                                   "r\xc3\xb6ot.img",
                                   "root.img~",
                                   "root.img.5@2018-01-02T03:04:05Z",
                                   "ro ot.img",
                                   "root\n.img",
                                   "root.img ",
                                   "-.img",
                                   "a234567890123456789012345678901z3.img",
                                   "data.img@",
                                   "data.img@bad label",
                                   "data.img@-dash",
                                   "data.img@@x",
                                   "data.img@\xff",
                                   "CuXXXX",
                                   "sedXXXXXXX",
                                   "sed-12345",
                                   "foo.tmp"}) {
        SCOPED_TRACE(name);
        EXPECT_REFUSED(EINVAL, touch_new(at(name)));
        EXPECT_EQ(stat_error(at(name)), Errno{ENOENT});
    }
    for (const auto& name : list_directory(backing(vm())))
        EXPECT_TRUE(name.starts_with("data") || name.starts_with(".varve")) << "a file on disk: " << name;
}

TEST_F(TreeTest, LabelsThatLookLikeImpossibleTimesAreLabels) {
    // Not a time (month 13): a label by its letters.
    EXPECT_EQ(link_file(data(), at("data.img@2018-13-02T03:04:05Z")), ok);
    EXPECT_EQ(read_file(at("data.img@2018-13-02T03:04:05Z")), old_content_);
}

TEST_F(TreeTest, LongNames) {
    EXPECT_REFUSED(EINVAL, touch_new(at(std::string(33, 'a') + ".img")));
    EXPECT_REFUSED(EINVAL, link_file(data(), at("data.img@" + std::string(65, 'l'))));
    EXPECT_EQ(link_file(data(), at("data.img@" + std::string(64, 'l'))), ok);
    EXPECT_REFUSED(EINVAL, make_directory(pool() / std::string(32, 'v')));
    EXPECT_REFUSED_BY_KERNEL(ENAMETOOLONG, touch_new(at(std::string(4096, 'a'))));
    EXPECT_REFUSED_BY_KERNEL(ENAMETOOLONG, make_directory(pool() / std::string(4096, 'v')));
    EXPECT_REFUSED_BY_KERNEL(ENAMETOOLONG, touch_new(Path(vm_path().string() + std::string(4096, '/') + "x.img")));
    // Longer than a name may be anywhere (NAME_MAX), shorter than what the kernel passes on.
    EXPECT_REFUSED_BY_KERNEL(ENAMETOOLONG, touch_new(at(std::string(256, 'a'))));
    EXPECT_REFUSED_BY_KERNEL(ENAMETOOLONG, touch_new(at("." + std::string(255, 'a'))));
}

TEST_F(TreeTest, LegalVmNames) {
    const auto before = vm();
    for (const auto& name : {"Work" + before, "sys-net" + before, "a.b_c" + before, "V" + std::string(30 - before.size(), 'x') + before}) {
        EXPECT_EQ(make_directory(pool() / name), ok) << name;
        EXPECT_EQ(remove_directory(pool() / name), ok) << name;
    }
}

TEST_F(TreeTest, IllegalVmNames) {
    for (const std::string name : {"none", "default", "Domain-0", "win-dm", "1st", "-x", "_x", ".hidden", "a b", "a@b", "a\n",
                                   "\xc3\xa9t\xc3\xa9", "a:b", "a23456789012345678901234567890123"}) {
        SCOPED_TRACE(name);
        EXPECT_REFUSED(EINVAL, make_directory(pool() / name));
        EXPECT_FALSE(present(backing(name)));
    }
}

TEST_F(TreeTest, DotDotLeadsUpAndNowhereElse) {
    EXPECT_EQ(stat_of(vm_path() / "..").st_ino, stat_of(pool()).st_ino);
    EXPECT_EQ(stat_of(vm_path() / ".." / "..").st_ino, stat_of(mount() / "pools").st_ino);
    EXPECT_EQ(stat_of(vm_path() / ".." / ".." / "..").st_ino, stat_of(mount()).st_ino);
    EXPECT_EQ(read_file(vm_path() / ".." / vm() / "data.img"), old_content_);
    EXPECT_EQ(stat_error(vm_path() / ".." / ".." / ".." / ".." / "mnt").number, 0)
        << "above the root is the directory that holds the mountpoint";
    EXPECT_NE(touch_new(vm_path() / ".." / "x.img"), ok) << "a pool holds directories only";
    EXPECT_FALSE(present(pool() / "x.img"));
}

TEST_F(TreeTest, OnlyVmDirectoriesAreMadeAndOnlyInPools) {
    for (const auto& path : {mount() / "x", mount() / "pools" / "newpool", mount() / "vms" / "newvm", vm_path() / "directory",
                             mount() / ".varve" / "x", vm_path() / ".varve" / "x"}) {
        SCOPED_TRACE(path);
        const auto error = make_directory(path);
        EXPECT_TRUE(error == Errno{EPERM} || error == Errno{EINVAL}) << error;
        EXPECT_FALSE(present(path));
    }
    for (const auto& path : {mount() / "x.img", mount() / "pools" / "x.img", pool() / "x.img", mount() / "vms" / "x.img",
                             mount() / "vms" / vm() / "x.img", mount() / ".varve" / "x"}) {
        SCOPED_TRACE(path);
        const auto error = touch_new(path);
        EXPECT_TRUE(error == Errno{EPERM} || error == Errno{EINVAL} || error == Errno{EROFS}) << error;
        EXPECT_FALSE(present(path));
    }
    for (const auto& path : {mount() / "pools", pool(), mount() / "vms", mount() / "vms" / vm(), vm_path() / ".varve"}) {
        SCOPED_TRACE(path);
        EXPECT_NE(remove_directory(path), ok);
        EXPECT_TRUE(present(path));
    }
    EXPECT_EQ(read_file(data()), old_content_);
}

TEST_F(TreeTest, TheViewByVmHasLinksToItsVolumesInAllPools) {
    ASSERT_EQ(make_directory(pool("other") / vm()), ok);
    ASSERT_EQ(write_file(pool("other") / vm() / "swap.img", new_content_), ok);
    const auto view = mount() / "vms" / vm();
    EXPECT_EQ(list_directory(view), (Names{"data.img", "swap.img"}));
    for (const std::string name : {"data.img", "swap.img"}) EXPECT_TRUE(S_ISLNK(stat_of(view / name).st_mode));
    EXPECT_EQ(link_target_of(view / "data.img"), "../../pools/fast/" + vm() + "/data.img");
    EXPECT_EQ(link_target_of(view / "swap.img"), "../../pools/other/" + vm() + "/swap.img");
    EXPECT_EQ(read_file(view / "data.img"), old_content_);
    EXPECT_EQ(read_file(view / "swap.img"), new_content_);
    EXPECT_EQ(write_file(view / "data.img", new_content_), ok) << "a link is followed";
    EXPECT_EQ(list_directory(view), (Names{"data.img", "swap.img"})) << "no revisions here";
    expect_one_commit(new_content_);
    ASSERT_EQ(remove_file(pool("other") / vm() / "swap.img"), ok);
    EXPECT_EQ(list_directory(view), Names{"data.img"});
}

TEST_F(TreeTest, TheViewByVmFollowsVmDirectories) {
    const auto listed = [&](const std::string& name) {
        const auto all = list_directory(mount() / "vms");
        return std::ranges::find(all, name) != all.end();
    };
    EXPECT_TRUE(listed(vm()));
    EXPECT_FALSE(listed("nobody"));
    EXPECT_EQ(stat_error(mount() / "vms" / "nobody"), Errno{ENOENT});
    const auto second = another_vm();
    ASSERT_EQ(write_file(pool() / second / "data.img", new_content_), ok);
    EXPECT_TRUE(listed(second));
    ASSERT_EQ(remove_file(pool() / second / "data.img"), ok);
    ASSERT_EQ(remove_directory(pool() / second), ok);
    EXPECT_FALSE(listed(second));
    EXPECT_EQ(stat_error(mount() / "vms" / second), Errno{ENOENT});
}

TEST_F(TreeTest, TheCurrentAliasIsReadOnlyAndUnlisted) {
    EXPECT_EQ(read_file(at("data.img@current")), old_content_);
    EXPECT_EQ(stat_of(at("data.img@current")).st_size, static_cast<off_t>(volume_size));
    EXPECT_EQ(names(), Names{"data.img"});
    for (const int flags : {O_WRONLY, O_RDWR, O_WRONLY | O_TRUNC, O_WRONLY | O_CREAT})
        EXPECT_REFUSED(EROFS, open_and_close(at("data.img@current"), flags));
    EXPECT_REFUSED(EROFS, truncate_path(at("data.img@current"), 1 << 20));
    EXPECT_NE(remove_file(at("data.img@current")), ok);
    EXPECT_NE(rename_path(at("data.img@current"), at("copy.img")), ok);
    ASSERT_EQ(write_file(data(), new_content_), ok);
    EXPECT_EQ(read_file(at("data.img@current")), new_content_) << "it follows the committed state";
    expect_one_commit(new_content_);
}

}  // namespace
}  // namespace varve::test_support
