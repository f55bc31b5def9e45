// SPDX-License-Identifier: LGPL-2.1-or-later
// A full disk, and a pool directory that vanishes: what was committed stays as it was.
#include "tests/mount/crash/own_pool.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

namespace varve::test_support {
namespace {

using FullDiskTest = OwnPoolTest;

TEST_F(FullDiskTest, AWriteThatDoesNotFitIsDroppedWithItsTransaction) {
    disk_->fill(4 << 20);
    for (const int flags : {O_WRONLY, O_WRONLY | O_TRUNC}) {
        OpenFile file(place_ / "data.img", flags);
        ASSERT_EQ(file.opened(), ok);
        EXPECT_EQ(file.write_at(0, pattern('x', 16 << 20)), Errno{ENOSPC});
        const auto closed = file.close();
        EXPECT_NE(closed, ok) << "the transaction was dropped, and whoever closes must hear it";
        EXPECT_TRUE(eventually([&] { return control_value(place_ / ".varve" / "data" / "state") == "halted"; }));
        expect_untouched();
        EXPECT_EQ(list_directory(place_).size(), 2U);
    }
    {
        OpenFile file(place_ / "new.img", O_CREAT | O_WRONLY);
        ASSERT_EQ(file.opened(), ok);
        EXPECT_EQ(file.write_at(0, pattern('x', 16 << 20)), Errno{ENOSPC});
        EXPECT_NE(file.close(), ok);
    }
    EXPECT_TRUE(eventually([&] { return !present(place_ / "new.img"); }));
    disk_->empty();
    EXPECT_TRUE(eventually([&] { return std::filesystem::space(disk_->filesystem().path()).available > (200ULL << 20); }))
        << "what was dropped has freed its space";
    EXPECT_EQ(write_file(place_ / "data.img", state_content(3)), ok);
    EXPECT_EQ(read_file(place_ / "data.img"), state_content(3));
}

TEST_F(FullDiskTest, AScratchFileThatDoesNotFitIsNoState) {
    disk_->fill(4 << 20);
    {
        OpenFile file(place_ / ".x", O_CREAT | O_WRONLY);
        ASSERT_EQ(file.opened(), ok);
        EXPECT_EQ(file.write_at(0, pattern('x', 16 << 20)), Errno{ENOSPC});
    }
    EXPECT_EQ(remove_file(place_ / ".x"), ok);
    expect_untouched();
    disk_->empty();
}

TEST_F(FullDiskTest, NothingThatFailsOnAFullDiskChangesAnything) {
    disk_->fill(0);
    const auto fits = [](Errno error) { return error == ok || error == Errno{ENOSPC}; };
    EXPECT_TRUE(fits(link_file(place_ / "data.img", place_ / "data.img@full")));
    EXPECT_TRUE(fits(write_file(place_ / "data.img", state_content(3))));
    EXPECT_TRUE(fits(touch_new(place_ / "new.img")));
    EXPECT_TRUE(fits(make_directory(place_.parent_path() / "second")));
    EXPECT_TRUE(fits(symlink_to("../work/data.img", place_ / "root.img")));
    EXPECT_TRUE(fits(set_value(place_ / ".varve" / "data" / "revisions_to_keep", "5")));
    const auto started = send_command(place_ / ".varve" / "data" / "ctl", "start");
    EXPECT_TRUE(fits(started.error)) << started.text;
    EXPECT_EQ(started.error == ok ? send_command(place_ / ".varve" / "data" / "ctl", "discard").error : ok, ok);
    const auto content = read_file(place_ / "data.img");
    EXPECT_TRUE(whole_state(content)) << content.substr(0, 64);
    EXPECT_EQ(read_file(place_ / "data.img@2017-07-14T02:40:00Z"), state_content(1));
    disk_->daemon().kill();
    ASSERT_TRUE(disk_->daemon().start()) << "a full disk does not keep the daemon from starting";
    EXPECT_EQ(read_file(place_ / "data.img"), content);
    EXPECT_EQ(read_file(place_ / "data.img@2017-07-14T02:40:00Z"), state_content(1));
    disk_->empty();
    EXPECT_EQ(write_file(place_ / "data.img", state_content(4)), ok);
    EXPECT_EQ(read_file(place_ / "data.img"), state_content(4));
}

TEST_F(FullDiskTest, APoolDirectoryThatVanishesIsAnErrorAndNoCrash) {
    OpenFile reader(place_ / "data.img", O_RDONLY);
    std::filesystem::rename(disk_->filesystem().path() / "pool", disk_->filesystem().path() / "away");
    std::filesystem::remove_all(disk_->filesystem().path() / "away" / "appvms" / "work");
    EXPECT_EQ(reader.read_at(0, state_size), state_content(2)) << "an open file keeps showing its state";
    EXPECT_NE(write_file(place_ / "data.img", state_content(3)), ok);
    EXPECT_NE(send_command(place_ / ".varve" / "data" / "ctl", "start").error, ok);
    EXPECT_NE(link_file(place_ / "data.img", place_ / "data.img@x"), ok);
    const auto said = read_file(disk_->daemon().mountpoint() / ".varve" / "errors");
    EXPECT_NE(said.find("\"message\""), std::string::npos);
    EXPECT_TRUE(disk_->daemon().running()) << disk_->daemon().log_tail();
}

TEST_F(FullDiskTest, APoolDirectoryThatIsMissingAtTheStartIsReported) {
    ASSERT_EQ(disk_->daemon().terminate(), 0);
    std::filesystem::rename(disk_->filesystem().path() / "pool", disk_->filesystem().path() / "away");
    if (disk_->daemon().try_start()) {
        EXPECT_FALSE(present(place_));
        EXPECT_EQ(disk_->daemon().terminate(), 0);
    }
    EXPECT_FALSE(present(disk_->filesystem().path() / "pool")) << "it is not made anew over what may only be unmounted";
    EXPECT_NE(disk_->daemon().log_tail().find((disk_->filesystem().path() / "pool").string()), std::string::npos)
        << disk_->daemon().log_tail();
    std::filesystem::rename(disk_->filesystem().path() / "away", disk_->filesystem().path() / "pool");
    ASSERT_TRUE(disk_->daemon().start());
    expect_untouched();
}

}  // namespace
}  // namespace varve::test_support
