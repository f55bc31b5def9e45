// SPDX-License-Identifier: LGPL-2.1-or-later
// Scratch files: made under a name of their own, renamed onto what they become.
#include "tests/mount/posix/one_volume.h"

#include <fcntl.h>

#include <csignal>

namespace varve::test_support {
namespace {

class ScratchTest : public OneVolumeTest {
protected:
    [[nodiscard]] Errno publish(const std::string& scratch, const Path& target, const std::string& content) const {
        if (const auto written = write_file(at(scratch), content); written != ok) return written;
        return rename_path(at(scratch), target);
    }
};

TEST_F(ScratchTest, RenamedOntoAVolumeItBecomesItsState) {
    ASSERT_EQ(publish(".data.img.a1B2c3", data(), new_content_), ok);
    EXPECT_FALSE(present(at(".data.img.a1B2c3")));
    expect_one_commit(new_content_);
}

TEST_F(ScratchTest, RenamedOntoANewNameItIsAVolume) {
    ASSERT_EQ(publish(".new.img.a1B2c3", at("new.img"), new_content_), ok);
    EXPECT_EQ(names(), (Names{"data.img", "new.img"}));
    EXPECT_EQ(read_file(at("new.img")), new_content_);
    EXPECT_EQ(value("new", "kind"), "origin");
}

TEST_F(ScratchTest, TheToolsOwnNamesWork) {
    std::int64_t time = first_time;
    for (const std::string scratch : {".a", ".~tmp~", "CuAb12Zz", "sedAb12Zz", ".data.img@2018-01-02T03:04:05Z.x9"}) {
        SCOPED_TRACE(scratch);
        const auto content = pattern(scratch.back(), volume_size);
        ASSERT_EQ(write_file(at(scratch), content), ok);
        EXPECT_EQ(read_file(at(scratch)), content);
        EXPECT_EQ(stat_of(at(scratch)).st_size, static_cast<off_t>(volume_size));
        ASSERT_EQ(set_times(at(scratch), {++time, 0}), ok);
        EXPECT_EQ(stat_of(at(scratch)).st_mtim.tv_sec, time);
        EXPECT_EQ(change_mode(at(scratch), 0600), ok);
        ASSERT_EQ(rename_path(at(scratch), data()), ok);
        EXPECT_EQ(read_file(data()), content);
        EXPECT_EQ(stat_of(data()).st_mtim.tv_sec, time);
    }
    EXPECT_EQ(names().size(), 6U);
}

TEST_F(ScratchTest, RenamedOntoARevisionNameItIsARestoredRevision) {
    const auto target = at("data.img@2010-01-02T03:04:05Z");
    ASSERT_EQ(publish(".x", target, new_content_), ok);
    EXPECT_EQ(read_file(target), new_content_);
    EXPECT_EQ(stat_of(target).st_mtim.tv_sec, 1'262'401'445);
    EXPECT_EQ(read_file(data()), old_content_);
    ASSERT_EQ(publish(".x", at("data.img@golden"), new_content_), ok);
    EXPECT_EQ(read_file(at("data.img@golden")), new_content_);
    EXPECT_EQ(names(), (Names{"data.img", "data.img@2010-01-02T03:04:05Z", "data.img@golden"}));
}

TEST_F(ScratchTest, ARevisionIsNeverReplaced) {
    ASSERT_EQ(link_file(data(), at("data.img@golden")), ok);
    ASSERT_EQ(write_file(data(), new_content_), ok);
    ASSERT_EQ(write_file(at(".x"), pattern('x', 4096)), ok);
    EXPECT_REFUSED(EEXIST, rename_path(at(".x"), at("data.img@golden")));
    EXPECT_REFUSED(EEXIST, rename_path(at(".x"), data_old()));
    EXPECT_NE(rename_path(at(".x"), at("data.img@current")), ok);
    ASSERT_EQ(remove_file(at(".x")), ok);
}

TEST_F(ScratchTest, WhileItIsOpenForWritingItIsBusy) {
    OpenFile file(at(".x"), O_CREAT | O_WRONLY);
    ASSERT_EQ(file.write_at(0, new_content_), ok);
    EXPECT_REFUSED(EBUSY, rename_path(at(".x"), data()));
    ASSERT_EQ(file.close(), ok);
    ASSERT_TRUE(eventually([&] { return rename_path(at(".x"), data()) == ok; })) << "RELEASE comes after close";
    expect_one_commit(new_content_);
}

TEST_F(ScratchTest, RightAfterItsCloseItCanBeRenamed) {
    for (int round = 0; round < 50; ++round) ASSERT_EQ(publish(".x", data(), pattern('x', 4096)), ok) << "round " << round;
}

TEST_F(ScratchTest, OddSizesStayScratch) {
    ASSERT_EQ(write_file(at(".x"), "odd"), ok) << "a scratch file may have any size";
    EXPECT_REFUSED(EINVAL, rename_path(at(".x"), data()));
    EXPECT_REFUSED(EINVAL, rename_path(at(".x"), at("new.img")));
    EXPECT_REFUSED(EINVAL, rename_path(at(".x"), at("data.img@label")));
    EXPECT_EQ(read_file(at(".x")), "odd");
    ASSERT_EQ(remove_file(at(".x")), ok);
    EXPECT_FALSE(present(at(".x")));
    expect_nothing_committed();
}

TEST_F(ScratchTest, OntoARunningVolumeItIsBusy) {
    must("data", "start");
    ASSERT_EQ(write_file(at(".x"), new_content_), ok);
    EXPECT_REFUSED(EBUSY, rename_path(at(".x"), data()));
    must("data", "discard");
    ASSERT_EQ(rename_path(at(".x"), data()), ok);
    expect_one_commit(new_content_);
}

TEST_F(ScratchTest, OntoAVolumeWithAnOpenWriterItIsBusy) {
    ASSERT_EQ(write_file(at(".x"), new_content_), ok);
    OpenFile file(data(), O_WRONLY);
    ASSERT_EQ(file.write_at(0, "x"), ok);
    EXPECT_REFUSED(EBUSY, rename_path(at(".x"), data()));
    ASSERT_EQ(file.close(), ok);
}

TEST_F(ScratchTest, OntoOtherKindsOfNamesItIsRefused) {
    ASSERT_EQ(write_file(at(".x"), new_content_), ok);
    EXPECT_REFUSED(EINVAL, rename_path(at(".x"), at("Illegal.img")));
    EXPECT_REFUSED(EINVAL, rename_path(at(".x"), at("plain")));
    const auto other = another_vm("other");
    EXPECT_REFUSED(EXDEV, rename_path(at(".x"), pool("other") / other / "data.img"));
    EXPECT_EQ(read_file(at(".x")), new_content_);
    ASSERT_EQ(remove_file(at(".x")), ok);
}

TEST_F(ScratchTest, ItBelongsToNoVolumeAndGoesWithTheDaemon) {
    ASSERT_EQ(write_file(at(".x"), new_content_), ok);
    EXPECT_EQ(list_directory(mount() / "vms" / vm()), Names{"data.img"});
    daemon().kill();
    ASSERT_TRUE(daemon().start());
    EXPECT_FALSE(present(at(".x")));
    for (const auto& name : list_directory(backing(vm())))
        EXPECT_TRUE(name == "data.img" || name == ".varve.json" || name == "data-precache.img") << name;
    expect_nothing_committed();
}

TEST_F(ScratchTest, AKilledWriterOfAScratchFileLeavesTheVolumeAlone) {
    Child writer([&] {
        OpenFile file(at(".x"), O_CREAT | O_WRONLY);
        if (file.write_at(0, new_content_) != ok) return 1;
        (void)::raise(SIGKILL);  // ends the process
        return 2;
    });
    EXPECT_EQ(writer.wait(), -SIGKILL);
    EXPECT_EQ(read_file(data()), old_content_);
    EXPECT_FALSE(present(data_old()));
}

}  // namespace
}  // namespace varve::test_support
