// SPDX-License-Identifier: LGPL-2.1-or-later
// VM directories, and who may do what in them.
#include "tests/mount/posix/one_volume.h"

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <fstream>

namespace varve::test_support {
namespace {

constexpr uid_t owner = 12345;
constexpr uid_t stranger = 23456;

class DirectoryTest : public OneVolumeTest {
protected:
    // The operation's errno, tried by this user.
    [[nodiscard]] static Errno tried_by(uid_t uid, const std::function<Errno()>& operation) {
        return Errno{as_user(uid, uid, [&] { return operation().number; })};
    }
};

TEST_F(DirectoryTest, MkdirMakesAPlaceAndRmdirRemovesIt) {
    const auto name = stage().fresh_name();
    ASSERT_EQ(make_directory(pool() / name), ok);
    EXPECT_TRUE(S_ISDIR(stat_of(pool() / name).st_mode));
    EXPECT_TRUE(present(backing(name)));
    EXPECT_EQ(list_directory(pool() / name), Names{});
    EXPECT_REFUSED_BY_KERNEL(EEXIST, make_directory(pool() / name));
    ASSERT_EQ(remove_directory(pool() / name), ok);
    EXPECT_EQ(stat_error(pool() / name), Errno{ENOENT});
    EXPECT_FALSE(present(backing(name)));
    EXPECT_REFUSED_BY_KERNEL(ENOENT, remove_directory(pool() / name));
}

TEST_F(DirectoryTest, RmdirOfAPlaceWithStatesIsRefused) {
    EXPECT_REFUSED(ENOTEMPTY, remove_directory(vm_path()));
    ASSERT_EQ(write_file(data(), new_content_), ok);
    ASSERT_EQ(remove_file(data()), ok);
    EXPECT_REFUSED(ENOTEMPTY, remove_directory(vm_path()));
    ASSERT_EQ(remove_file(data_old()), ok);
    EXPECT_EQ(remove_directory(vm_path()), ok);
}

TEST_F(DirectoryTest, RmdirLeavesForeignFilesAlone) {
    const auto name = another_vm();
    std::ofstream(backing(name) / "notes.txt") << "mine";
    EXPECT_REFUSED(ENOTEMPTY, remove_directory(pool() / name));
    EXPECT_EQ(read_file(backing(name) / "notes.txt"), "mine");
}

TEST_F(DirectoryTest, UnlinkAndRmdirMindTheKind) {
    EXPECT_REFUSED_BY_KERNEL(EISDIR, remove_file(vm_path()));
    EXPECT_REFUSED_BY_KERNEL(ENOTDIR, remove_directory(data()));
}

TEST_F(DirectoryTest, ModeAndOwnerAreStoredAndApplied) {
    ASSERT_EQ(change_mode(vm_path(), 0750), ok);
    ASSERT_EQ(change_owner(vm_path(), owner, owner), ok);
    ASSERT_EQ(touch_new(at("late.img")), ok);
    for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(stat_of(vm_path()).st_mode & 07777, 0750U);
        for (const auto& path : {vm_path(), data(), at("late.img")}) {
            EXPECT_EQ(stat_of(path).st_uid, owner) << path;
            EXPECT_EQ(stat_of(path).st_gid, owner) << path;
        }
        EXPECT_EQ(stat_of(data()).st_mode & 07007, 0U) << "others may not read what is in a directory of 0750";
        EXPECT_EQ(stat_of(data()).st_mode & 0400, 0400U);
        ASSERT_TRUE(daemon().restart());
    }
}

TEST_F(DirectoryTest, ModeAndOwnerOfFilesStayTheDirectorys) {
    const auto before = stat_of(data());
    EXPECT_EQ(change_mode(data(), 0600), ok);
    EXPECT_EQ(change_mode(data(), 0777), ok);
    EXPECT_EQ(change_owner(data(), owner, owner), ok);
    ASSERT_EQ(write_file(data(), new_content_), ok);
    EXPECT_EQ(change_mode(data_old(), 0600), ok);
    EXPECT_EQ(change_owner(data_old(), owner, owner), ok);
    EXPECT_EQ(stat_of(data()).st_mode, before.st_mode);
    EXPECT_EQ(stat_of(data()).st_uid, before.st_uid);
    EXPECT_EQ(stat_of(data_old()).st_uid, before.st_uid);
    EXPECT_EQ(stat_of(data_old()).st_mode & 0222, 0U) << "revisions are read-only";
}

TEST_F(DirectoryTest, StrangersAreShutOut) {
    ASSERT_EQ(change_mode(vm_path(), 0700), ok);
    EXPECT_EQ(tried_by(stranger, [&] { return open_and_close(data(), O_RDONLY); }), Errno{EACCES});
    EXPECT_EQ(tried_by(stranger, [&] { return open_and_close(vm_path(), O_RDONLY | O_DIRECTORY); }), Errno{EACCES});
    EXPECT_EQ(tried_by(stranger, [&] { return open_and_close(vm_path() / ".varve" / "data" / "state", O_RDONLY); }), Errno{EACCES});
    ASSERT_EQ(change_mode(vm_path(), 0755), ok);
    EXPECT_EQ(tried_by(stranger, [&] { return open_and_close(data(), O_RDONLY); }), ok) << "0755 lets others read";
    EXPECT_EQ(tried_by(stranger, [&] { return open_and_close(data(), O_WRONLY); }), Errno{EACCES});
    EXPECT_EQ(tried_by(stranger, [&] { return touch_new(at("x.img")); }), Errno{EACCES});
    EXPECT_EQ(tried_by(stranger, [&] { return remove_file(data()); }), Errno{EACCES});
    EXPECT_EQ(tried_by(stranger, [&] { return rename_path(data(), at("moved.img")); }), Errno{EACCES});
    EXPECT_NE(tried_by(stranger, [&] { return link_file(data(), at("data.img@x")); }), ok);
    EXPECT_NE(tried_by(stranger, [&] { return send_command(control("data", "ctl"), "start").error; }), ok);
    EXPECT_NE(tried_by(stranger, [&] { return set_value(control("data", "rw"), "0"); }), ok);
    EXPECT_NE(tried_by(stranger, [&] { return send_command(mount() / ".varve" / "ctl", "reload").error; }), ok);
    EXPECT_NE(tried_by(stranger, [&] { return make_directory(pool() / stage().fresh_name()); }), ok);
    EXPECT_EQ(value("data", "state"), "halted");
    expect_nothing_committed();
}

TEST_F(DirectoryTest, OnlyTheOwnerChangesModes) {
    ASSERT_EQ(change_owner(vm_path(), owner, owner), ok);
    EXPECT_EQ(tried_by(stranger, [&] { return change_mode(vm_path(), 0777); }), Errno{EPERM});
    EXPECT_EQ(tried_by(stranger, [&] { return change_owner(vm_path(), stranger, stranger); }), Errno{EPERM});
    EXPECT_EQ(tried_by(owner, [&] { return change_owner(vm_path(), stranger, stranger); }), Errno{EPERM});
    EXPECT_EQ(tried_by(owner, [&] { return change_mode(vm_path(), 0770); }), ok);
    EXPECT_EQ(stat_of(vm_path()).st_mode & 07777, 0770U);
    EXPECT_EQ(stat_of(vm_path()).st_uid, owner);
}

TEST_F(DirectoryTest, TheOwnerDoesEverythingInIt) {
    ASSERT_EQ(change_owner(vm_path(), owner, owner), ok);
    ASSERT_EQ(change_mode(vm_path(), 0700), ok);
    EXPECT_EQ(tried_by(owner, [&] { return write_file(data(), new_content_); }), ok);
    EXPECT_EQ(tried_by(owner, [&] { return write_file(at("own.img"), new_content_); }), ok);
    EXPECT_EQ(tried_by(owner, [&] { return link_file(data(), at("data.img@x")); }), ok);
    EXPECT_EQ(tried_by(owner, [&] { return rename_path(data_old(), data()); }), ok);
    EXPECT_EQ(tried_by(owner, [&] { return send_command(control("data", "ctl"), "start").error; }), ok);
    EXPECT_EQ(tried_by(owner, [&] { return send_command(control("data", "ctl"), "stop").error; }), ok);
    EXPECT_NE(tried_by(owner, [&] { return open_and_close(at("data.img@x"), O_WRONLY); }), ok);
    EXPECT_EQ(tried_by(owner, [&] { return remove_file(at("data.img@x")); }), ok);
    EXPECT_EQ(tried_by(owner, [&] { return remove_file(at("own.img")); }), ok);
    EXPECT_EQ(read_file(data()), old_content_);
}

TEST_F(DirectoryTest, EverybodySeesOnlyTheirOwnErrors) {
    ASSERT_EQ(change_mode(vm_path(), 0777), ok);
    const auto refused = [&] { return touch_new(at("Illegal name")); };
    ASSERT_EQ(refused(), Errno{EINVAL});
    ASSERT_EQ(tried_by(owner, refused), Errno{EINVAL});
    const auto others_seen = [&] {
        std::size_t others = 0;
        for (const auto& complaint : complaints()) others += complaint.uid != ::getuid() ? 1 : 0;
        return others;
    };
    EXPECT_GT(others_seen(), 0U) << "root sees everybody's";
    EXPECT_EQ(as_user(owner, owner, [&] { return complaints().empty() ? 100 : static_cast<int>(others_seen()); }), 0);
}

}  // namespace
}  // namespace varve::test_support
