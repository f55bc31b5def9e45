// SPDX-License-Identifier: LGPL-2.1-or-later
// mv vol.img@rev vol.img: an earlier state becomes the committed one, and nothing is lost.
#include "tests/mount/posix/one_volume.h"

#include <fcntl.h>

namespace varve::test_support {
namespace {

class RevertTest : public OneVolumeTest {
protected:
    // Three states: old, new, third.
    void SetUp() override {
        OneVolumeTest::SetUp();
        ASSERT_EQ(make_state(data(), new_content_, first_time + 60), ok);
        ASSERT_EQ(make_state(data(), third_content_, first_time + 120), ok);
    }

    [[nodiscard]] Path data_new() const { return revision("data", first_time + 60); }
    [[nodiscard]] Path data_third() const { return revision("data", first_time + 120); }

    const std::string third_content_ = pattern('c', volume_size / 2);
};

TEST_F(RevertTest, ThePresentStateAndNewerRevisionsAreKept) {
    ASSERT_EQ(rename_path(data_old(), data()), ok);
    EXPECT_EQ(read_file(data()), old_content_);
    EXPECT_EQ(stat_of(data()).st_mtim.tv_sec, first_time);
    EXPECT_EQ(names(), (Names{"data.img", data_new().filename(), data_third().filename()}));
    EXPECT_EQ(read_file(data_new()), new_content_);
    EXPECT_EQ(read_file(data_third()), third_content_);
    EXPECT_EQ(stat_error(data_old()), Errno{ENOENT});
    ASSERT_TRUE(daemon().restart());
    EXPECT_EQ(read_file(data()), old_content_);
    EXPECT_EQ(names(), (Names{"data.img", data_new().filename(), data_third().filename()}));
}

TEST_F(RevertTest, ThereAndBack) {
    ASSERT_EQ(rename_path(data_new(), data()), ok);
    ASSERT_EQ(rename_path(data_third(), data()), ok);
    EXPECT_EQ(read_file(data()), third_content_);
    EXPECT_EQ(names(), (Names{"data.img", data_old().filename(), data_new().filename()}));
    EXPECT_EQ(read_file(data_new()), new_content_);
}

TEST_F(RevertTest, OpenHandlesKeepTheirStates) {
    OpenFile committed(data(), O_RDONLY);
    OpenFile earlier(data_old(), O_RDONLY);
    ASSERT_EQ(rename_path(data_old(), data()), ok);
    EXPECT_EQ(committed.read_at(0, volume_size), third_content_);
    EXPECT_EQ(earlier.read_at(0, volume_size), old_content_);
}

TEST_F(RevertTest, ARunningVolumeIsBusy) {
    must("data", "start");
    EXPECT_REFUSED(EBUSY, rename_path(data_old(), data()));
    EXPECT_NE(value("data", "blockers"), "");
    must("data", "discard");
    EXPECT_EQ(rename_path(data_old(), data()), ok);
}

TEST_F(RevertTest, AnOpenTransactionIsBusy) {
    OpenFile file(data(), O_WRONLY);
    ASSERT_EQ(file.write_at(0, "changed"), ok);
    EXPECT_REFUSED(EBUSY, rename_path(data_old(), data()));
    ASSERT_EQ(file.close(), ok);
}

TEST_F(RevertTest, ARevisionThatIsASourceIsBusy) {
    ASSERT_EQ(symlink_to("../" + vm() + "/data.img@" + data_old().filename().string().substr(9), at("child.img")), ok);
    EXPECT_REFUSED(EBUSY, rename_path(data_old(), data()));
    ASSERT_EQ(remove_file(at("child.img")), ok);
    EXPECT_EQ(rename_path(data_old(), data()), ok);
}

TEST_F(RevertTest, ADirtyVolumeIsBusy) {
    ASSERT_EQ(daemon().terminate(), 0);
    // What a machine that lost its power leaves of a running volume.
    ASSERT_EQ(write_file(backing(vm()) / "data-dirty.img", pattern('d', volume_size / 2)), ok);
    ASSERT_TRUE(daemon().start());
    EXPECT_EQ(value("data", "state"), "dirty");
    EXPECT_REFUSED(EBUSY, rename_path(data_old(), data()));
    EXPECT_REFUSED(EBUSY, open_and_close(data(), O_WRONLY));
    EXPECT_EQ(read_file(data()), third_content_) << "nothing is committed unasked";
    must("data", "discard");
    EXPECT_EQ(rename_path(data_old(), data()), ok);
    EXPECT_EQ(read_file(data()), old_content_);
}

TEST_F(RevertTest, AMissingRevisionChangesNothing) {
    EXPECT_REFUSED_BY_KERNEL(ENOENT, rename_path(at("data.img@2001-01-01T00:00:00Z"), data()));
    EXPECT_REFUSED(ENOENT, command("data", "revert 2001-01-01T00:00:00Z").error);
    EXPECT_REFUSED(EINVAL, command("data", "revert not/a/name").error);
    EXPECT_REFUSED(EINVAL, command("data", "revert").error);
}

TEST_F(RevertTest, ByCommandALabelStays) {
    ASSERT_EQ(rename_path(data_old(), at("data.img@x")), ok);
    must("data", "revert x");
    EXPECT_EQ(read_file(data()), old_content_);
    EXPECT_EQ(read_file(at("data.img@x")), old_content_);
    EXPECT_EQ(read_file(data_third()), third_content_);
}

TEST_F(RevertTest, ByRenameALabelMoves) {
    ASSERT_EQ(rename_path(data_old(), at("data.img@x")), ok);
    ASSERT_EQ(rename_path(at("data.img@x"), data()), ok);
    EXPECT_EQ(read_file(data()), old_content_);
    EXPECT_FALSE(present(at("data.img@x")));
    EXPECT_EQ(names(), (Names{"data.img", data_new().filename(), data_third().filename()}));
}

TEST_F(RevertTest, TheRevertedVolumeStartsFromItsState) {
    ASSERT_EQ(rename_path(data_old(), data()), ok);
    must("data", "start");
    EXPECT_EQ(read_file(control("data", "device")), old_content_);
    must("data", "discard");
}

}  // namespace
}  // namespace varve::test_support
