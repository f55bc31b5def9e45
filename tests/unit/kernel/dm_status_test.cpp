// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/dm_status.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>
#include <utility>
#include <vector>

namespace varve::kernel {
namespace {

using base::Errc;

SnapshotUsage snapshot_usage(const std::string& text) { return std::get<SnapshotUsage>(parse_snapshot_status(text).value()); }

// Recorded from Linux 6.1: a new snapshot, one with three chunks of 4 KiB, and one in its third exception area.
TEST(SnapshotStatus, TellsExceptionsFromMetadata) {
    EXPECT_EQ(snapshot_usage("16/16384 16"), (SnapshotUsage{{16}, {16384}, {16}}));
    EXPECT_FALSE(snapshot_usage("16/16384 16").has_exceptions());
    EXPECT_TRUE(snapshot_usage("40/16384 16").has_exceptions());
    EXPECT_TRUE(snapshot_usage("4128/16384 32").has_exceptions());
    EXPECT_FALSE(snapshot_usage("4128/16384 32").full());
    EXPECT_TRUE(snapshot_usage("2048/2048 16").full());
}

TEST(SnapshotStatus, KnowsItsFaults) {
    const std::vector<std::pair<std::string, SnapshotFault>> faults{{"Invalid", SnapshotFault::Invalid},
                                                                    {"Merge failed", SnapshotFault::MergeFailed},
                                                                    {"Overflow", SnapshotFault::Overflow},
                                                                    {"Overflow ", SnapshotFault::Overflow},
                                                                    {"Unknown", SnapshotFault::Unknown}};
    for (const auto& [text, fault] : faults) EXPECT_EQ(parse_snapshot_status(text).value(), SnapshotStatus(fault)) << text;
}

TEST(SnapshotStatus, RefusesAnythingElseAndQuotesIt) {
    for (const std::string text :
         {"", "16", "16/", "/16 16", "16/16384", "16/16384 16 16", "-16/16384 16", "invalid", "16/16384 x", "1 6/16 1"}) {
        const auto status = parse_snapshot_status(text);
        ASSERT_FALSE(status) << text;
        EXPECT_EQ(status.error().code, Errc::Corrupt);
        EXPECT_NE(status.error().message().find("'" + text + "'"), std::string::npos) << status.error().message();
    }
}

// Recorded from Linux 6.1, the second with a reserved copy of the metadata.
TEST(ThinPoolStatus, ReadsWhatTheKernelSays) {
    ThinPoolUsage usage{.metadata = {112, 1024}, .data = {3, 1024}, .held_root = {}, .metadata_low_water = 256};
    EXPECT_EQ(parse_thin_pool_status("0 112/1024 3/1024 - rw discard_passdown queue_if_no_space - 256 ").value(), ThinPoolStatus(usage));
    usage.metadata.used = 113;
    usage.held_root = 25;
    EXPECT_EQ(parse_thin_pool_status("0 113/1024 3/1024 25 rw discard_passdown queue_if_no_space - 256 ").value(), ThinPoolStatus(usage));
}

// From the formats of dm-thin.c, pool_status.
TEST(ThinPoolStatus, KnowsTroubledPools) {
    const auto full = std::get<ThinPoolUsage>(
        parse_thin_pool_status("7 10/1024 1024/1024 - out_of_data_space no_discard_passdown error_if_no_space - 256").value());
    EXPECT_EQ(full.mode, ThinPoolMode::OutOfDataSpace);
    EXPECT_EQ(full.discards, Discards::NotPassedDown);
    EXPECT_TRUE(full.error_if_no_space);
    EXPECT_EQ(full.data.percent().value, 100);
    const auto broken =
        std::get<ThinPoolUsage>(parse_thin_pool_status("7 10/1024 1/1024 - ro ignore_discard queue_if_no_space needs_check").value());
    EXPECT_EQ(broken.mode, ThinPoolMode::ReadOnly);
    EXPECT_EQ(broken.discards, Discards::Ignored);
    EXPECT_TRUE(broken.needs_check);
    EXPECT_FALSE(broken.metadata_low_water);
    for (const std::string text : {"Fail", "Error", "Fail "})
        EXPECT_EQ(parse_thin_pool_status(text).value(), ThinPoolStatus(ThinPoolFailed{})) << text;
}

TEST(ThinPoolStatus, RefusesAnythingElse) {
    for (const std::string text :
         {"", "0", "0 112/1024", "0 2000/1024 3/1024 - rw discard_passdown queue_if_no_space - 256",
          "0 112/1024 3/1024 x rw discard_passdown queue_if_no_space -", "0 112/1024 3/1024 - rx discard_passdown queue_if_no_space -",
          "0 112/1024 3/1024 - rw sometimes queue_if_no_space -", "0 112/1024 3/1024 - rw discard_passdown maybe -",
          "0 112/1024 3/1024 - rw discard_passdown queue_if_no_space perhaps"}) {
        const auto status = parse_thin_pool_status(text);
        ASSERT_FALSE(status) << text;
        EXPECT_EQ(status.error().code, Errc::Corrupt);
    }
}

TEST(ThinStatus, ReadsWhatTheKernelSays) {
    EXPECT_EQ(parse_thin_status("0 -").value(), ThinStatus(ThinUsage{{0}, {}}));
    EXPECT_EQ(parse_thin_status("384 383").value(), ThinStatus(ThinUsage{{384}, 383}));
    for (const std::string text : {"Fail", "Error", "-"}) EXPECT_EQ(parse_thin_status(text).value(), ThinStatus(ThinFailed{})) << text;
    for (const std::string text : {"", "384", "- 384", "384 383 1", "a b"})
        EXPECT_EQ(parse_thin_status(text).error().code, Errc::Corrupt) << text;
}

TEST(StatusProperty, AnyTextIsReadOrRefused) {
    EXPECT_TRUE(rc::check([](const std::string& text) {
        const auto refused_well = [](const auto& status) { return status.has_value() || status.error().code == Errc::Corrupt; };
        RC_ASSERT(refused_well(parse_snapshot_status(text)));
        RC_ASSERT(refused_well(parse_thin_pool_status(text)));
        RC_ASSERT(refused_well(parse_thin_status(text)));
    }));
}

}  // namespace
}  // namespace varve::kernel
