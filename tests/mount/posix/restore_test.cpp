// SPDX-License-Identifier: LGPL-2.1-or-later
// Revisions that come back from a backup, and volumes that are removed and return.
#include "tests/mount/posix/one_volume.h"

#include <fcntl.h>

#include <csignal>

namespace varve::test_support {
namespace {

constexpr std::int64_t old_time = 1'262'401'445;  // 2010-01-02T03:04:05Z
const std::string old_name = "@2010-01-02T03:04:05Z";

class RestoreTest : public OneVolumeTest {};

TEST_F(RestoreTest, ARevisionIsRestoredBesideItsVolume) {
    ASSERT_EQ(write_file(at("data.img" + old_name), new_content_), ok);
    EXPECT_EQ(names(), (Names{"data.img", "data.img" + old_name}));
    EXPECT_EQ(read_file(at("data.img" + old_name)), new_content_);
    EXPECT_EQ(stat_of(at("data.img" + old_name)).st_mtim.tv_sec, old_time);
    EXPECT_EQ(read_file(data()), old_content_);
    EXPECT_EQ(stat_of(data()).st_mtim.tv_sec, first_time);
}

TEST_F(RestoreTest, ARevisionIsRestoredBeforeItsVolume) {
    ASSERT_EQ(write_file(at("back.img" + old_name), old_content_), ok);
    ASSERT_EQ(write_file(at("back.img@golden"), new_content_), ok);
    EXPECT_EQ(names(), (Names{"back.img" + old_name, "back.img@golden", "data.img"}));
    EXPECT_EQ(stat_error(at("back.img")), Errno{ENOENT});
    EXPECT_EQ(value("back", "state"), "removed");
    ASSERT_EQ(write_file(at("back.img"), pattern('c', 4096)), ok);
    EXPECT_EQ(names(), (Names{"back.img", "back.img" + old_name, "back.img@golden", "data.img"}));
    EXPECT_EQ(read_file(at("back.img" + old_name)), old_content_);
    EXPECT_EQ(read_file(at("back.img@golden")), new_content_);
    ASSERT_TRUE(daemon().restart());
    EXPECT_EQ(names(), (Names{"back.img", "back.img" + old_name, "back.img@golden", "data.img"}));
    EXPECT_EQ(read_file(at("back.img@golden")), new_content_);
}

TEST_F(RestoreTest, StatesOfOneSecondKeepTheirNumbers) {
    const Names all{"data.img", "data.img" + old_name, "data.img" + old_name + ".7"};
    ASSERT_EQ(write_file(at(all[1]), pattern('p', 4096)), ok);
    ASSERT_EQ(write_file(at(all[2]), pattern('q', 4096)), ok);
    for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(names(), all);
        EXPECT_EQ(read_file(at(all[1])), pattern('p', 4096));
        EXPECT_EQ(read_file(at(all[2])), pattern('q', 4096));
        ASSERT_TRUE(daemon().restart());
    }
    ASSERT_EQ(remove_file(at(all[1])), ok);
    EXPECT_EQ(read_file(at(all[2])), pattern('q', 4096)) << "a name holds as long as its state";
}

TEST_F(RestoreTest, WhatExistsIsNotReplaced) {
    ASSERT_EQ(write_file(at("data.img" + old_name), new_content_), ok);
    EXPECT_REFUSED_BY_KERNEL(EEXIST, touch_new(at("data.img" + old_name)));
    for (const int flags : {O_WRONLY, O_RDWR, O_WRONLY | O_TRUNC, O_WRONLY | O_CREAT})
        EXPECT_REFUSED(EROFS, open_and_close(at("data.img" + old_name), flags));
}

TEST_F(RestoreTest, OddSizesLeaveNothing) {
    EXPECT_REFUSED(EINVAL, write_file(at("data.img@golden"), "odd"));
    EXPECT_REFUSED(EINVAL, write_file(at("back.img" + old_name), "odd"));
    EXPECT_EQ(names(), Names{"data.img"});
}

TEST_F(RestoreTest, AKilledRestoreLeavesNothing) {
    Child writer([&] {
        OpenFile file(at("data.img@golden"), O_CREAT | O_WRONLY);
        if (file.write_at(0, new_content_) != ok) return 1;
        (void)::raise(SIGKILL);  // ends the process
        return 2;
    });
    EXPECT_EQ(writer.wait(), -SIGKILL);
    EXPECT_TRUE(eventually([&] { return !present(at("data.img@golden")); }));
    expect_nothing_committed();
}

TEST_F(RestoreTest, TimesGivenToARestoredLabelStay) {
    ASSERT_EQ(make_state(at("data.img@golden"), new_content_, old_time), ok);
    EXPECT_EQ(stat_of(at("data.img@golden")).st_mtim.tv_sec, old_time);
    ASSERT_TRUE(daemon().restart());
    EXPECT_EQ(stat_of(at("data.img@golden")).st_mtim.tv_sec, old_time);
}

TEST_F(RestoreTest, ARemovedVolumeComesBackFromItsRevision) {
    ASSERT_EQ(write_file(data(), new_content_), ok);
    ASSERT_EQ(remove_file(data()), ok);
    EXPECT_EQ(stat_error(data()), Errno{ENOENT});
    EXPECT_EQ(stat_error(at("data.img@current")), Errno{ENOENT});
    EXPECT_EQ(names(), Names{data_old().filename()}) << "that state is gone and nothing else";
    EXPECT_EQ(value("data", "state"), "removed");
    EXPECT_EQ(read_file(data_old()), old_content_);
    EXPECT_REFUSED(ENOENT, command("data", "start").error);
    ASSERT_EQ(rename_path(data_old(), data()), ok);
    EXPECT_EQ(names(), Names{"data.img"});
    EXPECT_EQ(read_file(data()), old_content_);
    EXPECT_EQ(stat_of(data()).st_mtim.tv_sec, first_time);
    EXPECT_EQ(value("data", "state"), "halted");
    must("data", "start");
    must("data", "discard");
}

TEST_F(RestoreTest, AVolumeGoesWithItsLastState) {
    ASSERT_EQ(write_file(data(), new_content_), ok);
    ASSERT_EQ(remove_file(data()), ok);
    ASSERT_EQ(remove_file(data_old()), ok);
    EXPECT_EQ(names(), Names{});
    EXPECT_FALSE(present(control("data", "state")));
    EXPECT_EQ(remove_directory(vm_path()), ok);
    EXPECT_FALSE(present(backing(vm())));
}

TEST_F(RestoreTest, TheRevisionMayGoFirst) {
    ASSERT_EQ(write_file(data(), new_content_), ok);
    ASSERT_EQ(remove_file(data_old()), ok);
    EXPECT_EQ(names(), Names{"data.img"});
    EXPECT_EQ(read_file(data()), new_content_);
    ASSERT_EQ(remove_file(data()), ok);
    EXPECT_EQ(names(), Names{});
}

TEST_F(RestoreTest, RemovalOfARunningVolumeIsBusyAndOfItsRevisionIsNot) {
    ASSERT_EQ(write_file(data(), new_content_), ok);
    must("data", "start");
    EXPECT_REFUSED(EBUSY, remove_file(data()));
    EXPECT_EQ(remove_file(data_old()), ok) << "nothing runs from it";
    must("data", "discard");
    EXPECT_EQ(remove_file(data()), ok);
}

TEST_F(RestoreTest, RemovalWhileAnotherProgramWritesIsBusy) {
    OpenFile file(data(), O_WRONLY);
    ASSERT_EQ(file.write_at(0, new_content_), ok);
    EXPECT_REFUSED(EBUSY, remove_file(data()));
    ASSERT_EQ(file.close(), ok);
    expect_one_commit(new_content_);
}

TEST_F(RestoreTest, ANewVolumeUnderARemovedOnesName) {
    ASSERT_EQ(write_file(data(), new_content_), ok);
    ASSERT_EQ(remove_file(data()), ok);
    ASSERT_EQ(make_state(data(), pattern('c', 4096), first_time + 99), ok);
    EXPECT_EQ(names(), (Names{"data.img", data_old().filename()}));
    EXPECT_EQ(read_file(data()), pattern('c', 4096));
    EXPECT_EQ(read_file(data_old()), old_content_);
}

}  // namespace
}  // namespace varve::test_support
