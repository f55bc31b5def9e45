// SPDX-License-Identifier: LGPL-2.1-or-later
// truncate(2) by path grows a halted volume.
#include "tests/mount/posix/one_volume.h"

#include <fcntl.h>

#include <limits>

namespace varve::test_support {
namespace {

class ResizeTest : public OneVolumeTest {};

TEST_F(ResizeTest, GrowingKeepsTheContentAndZeroesTheRest) {
    ASSERT_EQ(truncate_path(data(), 2 * volume_size), ok);
    EXPECT_EQ(stat_of(data()).st_size, static_cast<off_t>(2 * volume_size));
    EXPECT_EQ(read_file(data()), old_content_ + std::string(volume_size, '\0'));
    EXPECT_EQ(value("data", "size"), std::to_string(2 * volume_size));
    ASSERT_TRUE(daemon().restart());
    EXPECT_EQ(stat_of(data()).st_size, static_cast<off_t>(2 * volume_size));
}

TEST_F(ResizeTest, RevisionsKeepTheirSize) {
    ASSERT_EQ(link_file(data(), at("data.img@golden")), ok);
    ASSERT_EQ(write_file(data(), new_content_), ok);
    ASSERT_EQ(truncate_path(data(), 4 * volume_size), ok);
    EXPECT_EQ(read_file(data_old()), old_content_);
    EXPECT_EQ(read_file(at("data.img@golden")), old_content_);
    EXPECT_EQ(stat_of(data()).st_size, static_cast<off_t>(4 * volume_size));
}

TEST_F(ResizeTest, OpenHandlesKeepTheirState) {
    OpenFile reader(data(), O_RDONLY);
    ASSERT_EQ(truncate_path(data(), 2 * volume_size), ok);
    EXPECT_EQ(reader.read_at(0, 2 * volume_size), old_content_);
}

TEST_F(ResizeTest, TheSameSizeIsNothingToDo) {
    const auto before = stat_of(data());
    EXPECT_EQ(truncate_path(data(), volume_size), ok);
    EXPECT_EQ(stat_of(data()).st_ctim.tv_nsec, before.st_ctim.tv_nsec);
    expect_nothing_committed();
}

TEST_F(ResizeTest, ShrinkingIsRefused) {
    for (const off_t size : {off_t{0}, off_t{512}, static_cast<off_t>(volume_size - 512)})
        EXPECT_REFUSED(EINVAL, truncate_path(data(), size));
    expect_nothing_committed();
}

TEST_F(ResizeTest, ImpossibleSizesAreRefused) {
    for (const off_t size : {static_cast<off_t>(volume_size + 1), static_cast<off_t>(volume_size + 511), std::numeric_limits<off_t>::max()})
        EXPECT_REFUSED(EINVAL, truncate_path(data(), size));
    EXPECT_REFUSED_BY_KERNEL(EINVAL, truncate_path(data(), -1));
    expect_nothing_committed();
}

TEST_F(ResizeTest, ARunningVolumeIsBusyByPathAndGrowsByCommand) {
    must("data", "start");
    EXPECT_REFUSED(EBUSY, truncate_path(data(), 2 * volume_size));
    must("data", "resize 128K");
    EXPECT_EQ(stat_of(backing(vm()) / "data-dirty.img").st_size, 128 << 10);
    EXPECT_EQ(stat_of(data()).st_size, static_cast<off_t>(volume_size)) << "the committed state keeps its size";
    guest_write("data", 2 * volume_size - 512, new_content_.substr(0, 512));
    must("data", "stop");
    EXPECT_EQ(stat_of(data()).st_size, 128 << 10);
    EXPECT_EQ(stat_of(data_old()).st_size, static_cast<off_t>(volume_size));
}

TEST_F(ResizeTest, AnOpenTransactionIsBusyForOthers) {
    OpenFile file(data(), O_WRONLY);
    ASSERT_EQ(file.write_at(0, "changed"), ok);
    ASSERT_EQ(bystander().read(data()), old_content_);
    EXPECT_REFUSED(EBUSY, command("data", "resize 1M").error);
    ASSERT_EQ(file.close(), ok);
}

TEST_F(ResizeTest, RevisionsAreReadOnly) {
    ASSERT_EQ(write_file(data(), new_content_), ok);
    EXPECT_REFUSED(EROFS, truncate_path(data_old(), 2 * volume_size));
    EXPECT_REFUSED(EROFS, truncate_path(data_old(), 0));
}

TEST_F(ResizeTest, ByCommand) {
    must("data", "resize 1M");
    EXPECT_EQ(stat_of(data()).st_size, 1 << 20);
    must("data", "resize 2097152");
    EXPECT_EQ(stat_of(data()).st_size, 2 << 20);
    for (const std::string size : {"0", "1", "511", "1M", "2097153", "9223372036854775807", "x", "-1", "", "1 2"}) {
        SCOPED_TRACE(size);
        EXPECT_REFUSED(EINVAL, command("data", "resize " + size).error);
    }
    for (const std::string size : {"9223372036854775808", "16777215T"}) {
        SCOPED_TRACE(size);
        const auto error = command("data", "resize " + size).error;
        EXPECT_TRUE(error == Errno{EFBIG} || error == Errno{EINVAL}) << error;
    }
    EXPECT_EQ(stat_of(data()).st_size, 2 << 20);
}

}  // namespace
}  // namespace varve::test_support
