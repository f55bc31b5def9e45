// SPDX-License-Identifier: LGPL-2.1-or-later
// Named revisions: ln takes one, mv pins one.
#include "tests/mount/posix/one_volume.h"

#include <fcntl.h>

#include <algorithm>

namespace varve::test_support {
namespace {

class LabelTest : public OneVolumeTest {
protected:
    [[nodiscard]] Path label(const std::string& name) const { return at("data.img@" + name); }
};

TEST_F(LabelTest, LnTakesARevisionNow) {
    ASSERT_EQ(link_file(data(), label("before-upgrade")), ok);
    EXPECT_EQ(names(), (Names{"data.img", "data.img@before-upgrade"}));
    EXPECT_EQ(stat_of(data()).st_nlink, 1U);
    EXPECT_EQ(stat_of(label("before-upgrade")).st_nlink, 1U);
    EXPECT_NE(stat_of(data()).st_ino, stat_of(label("before-upgrade")).st_ino);
    EXPECT_EQ(stat_of(label("before-upgrade")).st_mtim.tv_sec, first_time) << "a state's time is its last write";
    ASSERT_EQ(write_file(data(), new_content_), ok);
    EXPECT_EQ(read_file(label("before-upgrade")), old_content_);
    EXPECT_EQ(names(), (Names{"data.img", data_old().filename(), "data.img@before-upgrade"}));
}

// As after a close whose RELEASE is late: the copy keeps the writer's file open, and what it committed is a state like any other.
TEST_F(LabelTest, LnTakesWhatWasJustCommittedByItsCreator) {
    const auto fresh = at("fresh.img");
    OpenFile file(fresh, O_WRONLY | O_CREAT | O_EXCL);
    ASSERT_EQ(file.write_at(0, old_content_), ok);
    auto copy = file.duplicate();
    ASSERT_EQ(file.close(), ok);
    ASSERT_EQ(link_file(fresh, at("fresh.img@golden")), ok);
    EXPECT_EQ(read_file(at("fresh.img@golden")), old_content_);
    ASSERT_EQ(copy.write_at(0, new_content_), ok);
    EXPECT_EQ(read_file(fresh), old_content_) << "readers see what is committed";
    EXPECT_EQ(names(), (Names{"data.img", "fresh.img", "fresh.img@golden"}));
    ASSERT_EQ(copy.close(), ok);
    EXPECT_EQ(read_file(fresh), new_content_);
    EXPECT_EQ(read_file(at("fresh.img@golden")), old_content_);
}

TEST_F(LabelTest, LabelsOutliveRestarts) {
    ASSERT_EQ(link_file(data(), label("a.b_c:d-E")), ok);
    const auto before = stat_of(label("a.b_c:d-E"));
    ASSERT_TRUE(daemon().restart());
    EXPECT_EQ(read_file(label("a.b_c:d-E")), old_content_);
    const auto after = stat_of(label("a.b_c:d-E"));
    EXPECT_EQ(after.st_ino, before.st_ino);
    EXPECT_EQ(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
    EXPECT_EQ(after.st_ctim.tv_sec, before.st_ctim.tv_sec);
    EXPECT_EQ(after.st_ctim.tv_nsec, before.st_ctim.tv_nsec);
}

TEST_F(LabelTest, MvPinsARevisionAndRenamesALabel) {
    ASSERT_EQ(write_file(data(), new_content_), ok);
    ASSERT_EQ(rename_path(data_old(), label("golden")), ok);
    EXPECT_EQ(names(), (Names{"data.img", "data.img@golden"}));
    EXPECT_EQ(read_file(label("golden")), old_content_);
    ASSERT_EQ(rename_path(label("golden"), label("silver")), ok);
    EXPECT_EQ(names(), (Names{"data.img", "data.img@silver"}));
    EXPECT_EQ(read_file(label("silver")), old_content_);
    EXPECT_EQ(stat_of(label("silver")).st_mtim.tv_sec, first_time);
    EXPECT_EQ(read_file(data()), new_content_);
}

TEST_F(LabelTest, RevisionsSayWhetherTheyArePinned) {
    ASSERT_EQ(link_file(data(), label("golden")), ok);
    ASSERT_EQ(write_file(data(), new_content_), ok);
    const auto all = value("data", "revisions");
    std::vector<Reply> lines;
    for (std::size_t begin = 0; begin < all.size();) {
        const auto end = std::min(all.find('\n', begin), all.size());
        lines.push_back({ok, all.substr(begin, end - begin)});
        begin = end + 1;
    }
    ASSERT_EQ(lines.size(), 2U) << all;
    for (const auto& line : lines) {
        EXPECT_EQ(line.at("/pinned"), line.at("/revision") == "golden" ? "true" : "false") << line.text;
        EXPECT_EQ(line.at("/size"), std::to_string(volume_size)) << line.text;
        EXPECT_EQ(line.at("/modified").substr(0, 20), "2017-07-14T02:40:00.") << line.text;
    }
}

TEST_F(LabelTest, PruningSparesLabels) {
    ASSERT_EQ(link_file(data(), label("golden")), ok);
    for (int round = 0; round < 3; ++round) {
        must("data", "start");
        guest_write("data", 0, pattern(static_cast<char>('p' + round), 4096));
        must("data", "stop");
    }
    EXPECT_EQ(read_file(label("golden")), old_content_);
    EXPECT_EQ(names().size(), 3U) << "the volume, its label, and revisions_to_keep = 1";
}

TEST_F(LabelTest, ExistingNamesAreRefused) {
    ASSERT_EQ(link_file(data(), label("golden")), ok);
    ASSERT_EQ(write_file(data(), new_content_), ok);
    ASSERT_EQ(link_file(data(), label("silver")), ok);
    EXPECT_REFUSED_BY_KERNEL(EEXIST, link_file(data(), label("golden")));
    EXPECT_REFUSED(EEXIST, rename_path(data_old(), label("golden")));
    EXPECT_REFUSED(EEXIST, rename_path(label("silver"), label("golden")));
    EXPECT_EQ(read_file(label("golden")), old_content_);
}

TEST_F(LabelTest, LnForceDoesNotReplaceALabel) {
    // What `ln -f` does: a link under a scratch name, renamed over the target.
    ASSERT_EQ(link_file(data(), label("golden")), ok);
    ASSERT_EQ(write_file(data(), new_content_), ok);
    ASSERT_EQ(link_file(data(), at("CuAbC123")), ok);
    EXPECT_REFUSED(EEXIST, rename_path(at("CuAbC123"), label("golden")));
    EXPECT_EQ(remove_file(at("CuAbC123")), ok);
    ASSERT_EQ(link_file(data(), at("CuAbC124")), ok);
    EXPECT_EQ(rename_path(at("CuAbC124"), label("silver")), ok);
    EXPECT_EQ(read_file(label("silver")), new_content_);
    EXPECT_EQ(read_file(label("golden")), old_content_);
}

TEST_F(LabelTest, IllegalLinksAreRefused) {
    ASSERT_EQ(write_file(at("second.img"), new_content_), ok);
    const auto other = another_vm();
    for (const auto& target : {at("third.img"), at("second.img@x"), at("data.img@2020-01-02T03:04:05Z"), at("data.img@current"),
                               at("data.img@"), at("x"), pool() / other / "data.img@x", pool() / other / "data.img", pool() / "x"}) {
        SCOPED_TRACE(target);
        const auto error = link_file(data(), target);
        EXPECT_TRUE(error == Errno{EINVAL} || error == Errno{EPERM} || error == Errno{EEXIST}) << error;
    }
    EXPECT_EQ(names(), (Names{"data.img", "second.img"}));
    EXPECT_EQ(list_directory(pool() / other), Names{});
}

TEST_F(LabelTest, ARunningVolumeCanBeLabelled) {
    must("data", "start");
    guest_write("data", 0, new_content_);
    ASSERT_EQ(link_file(data(), label("running")), ok);
    EXPECT_EQ(read_file(label("running")), old_content_) << "the state from before the start";
    must("data", "stop");
    EXPECT_EQ(read_file(label("running")), old_content_);
    EXPECT_EQ(read_file(data()), new_content_);
}

TEST_F(LabelTest, WithoutASnapshotLayerARunningVolumeIsBusy) {
    ASSERT_EQ(set_value(control("data", "revisions_to_keep"), "-1"), ok);
    must("data", "start");
    EXPECT_NE(link_file(data(), label("running")), ok);
    EXPECT_FALSE(present(label("running")));
    must("data", "stop");
    EXPECT_EQ(link_file(data(), label("halted")), ok);
}

TEST_F(LabelTest, ALabelsRemovalIsItsRemoval) {
    ASSERT_EQ(link_file(data(), label("golden")), ok);
    ASSERT_EQ(remove_file(label("golden")), ok);
    EXPECT_EQ(names(), Names{"data.img"});
    EXPECT_EQ(read_file(data()), old_content_);
}

}  // namespace
}  // namespace varve::test_support
