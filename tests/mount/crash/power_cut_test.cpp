// SPDX-License-Identifier: LGPL-2.1-or-later
// The disk below dies, or the power fails: a real XFS that forgets what was not made durable, and replays its log.
#include "tests/mount/crash/own_pool.h"

#include <array>
#include <set>

namespace varve::test_support {
namespace {

class PowerCutTest : public OwnPoolTest {
protected:
    // Everything that runs ends, then the machine comes up again.
    void come_up_again() {
        disk_->daemon().kill();
        const auto mounted = disk_->filesystem().mount_again();
        ASSERT_TRUE(mounted) << mounted.error().message();
        ASSERT_TRUE(disk_->daemon().start()) << disk_->daemon().log_tail();
    }
};

TEST_F(PowerCutTest, WritersLoseNothingThatWasReported) {
    constexpr std::size_t writers = 3;
    std::array<Progress, writers> totals;
    std::array<std::set<std::size_t>, writers> unreported;
    for (int round = 0; round < 5; ++round) {
        SCOPED_TRACE(round);
        {
            std::array<std::unique_ptr<LoadProcess>, writers> loads;
            for (std::size_t i = 0; i < writers; ++i)
                loads[i] = std::make_unique<LoadProcess>(place_ / ("v" + std::to_string(i) + ".img"), static_cast<WriteStyle>(i),
                                                         totals[i].attempted);
            ASSERT_TRUE(eventually([&] {
                for (std::size_t i = 0; i < writers; ++i)
                    if (loads[i]->progress().reported < totals[i].attempted + 3 + static_cast<std::size_t>(round)) return false;
                return true;
            })) << loads[0]->ending()
                << "; " << loads[1]->ending() << "; " << loads[2]->ending() << '\n'
                << read_file(place_.parent_path().parent_path().parent_path() / ".varve" / "errors") << '\n'
                << disk_->daemon().log_tail();
            std::array<std::size_t, writers> reported{};
            for (std::size_t i = 0; i < writers; ++i) reported[i] = loads[i]->progress().reported;
            const auto cut = disk_->filesystem().cut_power();
            ASSERT_TRUE(cut) << cut.error().message();
            for (std::size_t i = 0; i < writers; ++i) {
                // What is reported after the cut counts for nothing: fsync of a directory may still return 0 on a dead XFS (its inode is no
                // longer pinned, and xfs_dir_fsync does not ask whether the file system lives). The power fails for processes too.
                totals[i] = {loads[i]->finish().attempted, reported[i]};
                for (auto number = totals[i].reported + 1; number <= totals[i].attempted; ++number) unreported[i].insert(number);
            }
        }
        come_up_again();
        for (std::size_t i = 0; i < writers; ++i) expect_nothing_lost(place_, "v" + std::to_string(i), totals[i], unreported[i]);
        expect_untouched();
    }
}

TEST_F(PowerCutTest, WhatACommandReportedIsThere) {
    const auto volume = place_ / ".varve" / "data";
    ASSERT_EQ(send_command(volume / "ctl", "start").error, ok);
    {
        OpenFile device(volume / "device", O_RDWR);
        ASSERT_EQ(device.write_at(0, state_content(3)), ok);
        ASSERT_EQ(device.close(), ok);
    }
    ASSERT_EQ(send_command(volume / "ctl", "stop").error, ok);
    ASSERT_EQ(link_file(place_ / "data.img", place_ / "data.img@third"), ok);
    ASSERT_EQ(rename_path(place_ / "data.img@2017-07-14T02:40:00Z", place_ / "data.img"), ok);
    ASSERT_TRUE(disk_->filesystem().cut_power());
    come_up_again();
    EXPECT_EQ(read_file(place_ / "data.img"), state_content(1));
    EXPECT_EQ(read_file(place_ / "data.img@third"), state_content(3));
    EXPECT_EQ(read_file(place_ / "data.img@2017-07-14T02:40:01Z"), state_content(2));
}

TEST_F(PowerCutTest, ADeadDiskIsAnErrorAndNoCrash) {
    OpenFile reader(place_ / "data.img", O_RDONLY);
    ASSERT_EQ(reader.opened(), ok);
    ASSERT_TRUE(disk_->filesystem().cut_power());
    EXPECT_NE(write_file(place_ / "data.img", state_content(3)), ok);
    EXPECT_NE(link_file(place_ / "data.img", place_ / "data.img@x"), ok);
    const auto started = send_command(place_ / ".varve" / "data" / "ctl", "start");
    EXPECT_EQ(started.error, Errno{EIO}) << started.text;
    EXPECT_NE(started.at("/error/message"), "");
    EXPECT_TRUE(disk_->daemon().running()) << disk_->daemon().log_tail();
    ASSERT_EQ(reader.close(), ok);
    come_up_again();
    expect_untouched();
    EXPECT_EQ(write_file(place_ / "data.img", state_content(3)), ok);
}

}  // namespace
}  // namespace varve::test_support
