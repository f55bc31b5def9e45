// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/error_log.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace varve::mount_client {
namespace {

std::string line(int pid, const std::string& operation, int number, const std::string& time, const std::string& message) {
    return R"({"time":")" + time + R"(","pid":)" + std::to_string(pid) + R"(,"uid":0,"operation":")" + operation +
           R"(","path":"p","code":"busy","errno":)" + std::to_string(number) + R"(,"name":"E","message":")" + message + "\"}\n";
}

constexpr std::int64_t new_year = 1767225600;  // 2026-01-01T00:00:00Z

TEST(ErrorLog, TheLastFittingLineCounts) {
    const auto log = line(7, "link", EBUSY, "2026-01-01T00:00:01Z", "first") + line(7, "link", EBUSY, "2026-01-01T00:00:02Z", "second") +
                     line(8, "link", EBUSY, "2026-01-01T00:00:03Z", "another process") +
                     line(7, "rename", EBUSY, "2026-01-01T00:00:03Z", "another operation") +
                     line(7, "link", EEXIST, "2026-01-01T00:00:03Z", "another errno");
    const auto reason = logged_reason(log, {7, "link", EBUSY, new_year});
    ASSERT_TRUE(reason);
    EXPECT_EQ(reason->message(), "second");
    EXPECT_EQ(reason->code, base::Errc::Busy);
    EXPECT_EQ(logged_reason(log, {7, "", EEXIST, new_year})->message(), "another errno");
}

TEST(ErrorLog, AnEarlierProcessOfThatIdIsNotMeant) {
    const auto log = line(7, "link", EBUSY, "2025-12-31T23:59:59Z", "old");
    EXPECT_FALSE(logged_reason(log, {7, "link", EBUSY, new_year}));
    EXPECT_TRUE(logged_reason(log, {7, "link", EBUSY, new_year - 1}));
}

TEST(ErrorLog, BrokenLinesAreSkipped) {
    const auto good = line(7, "link", EBUSY, "2026-01-01T00:00:01Z", "good");
    EXPECT_EQ(
        logged_reason(good + "\n\n{\"pid\":7\nnonsense\n[]\n5\n{\"pid\":\"7\",\"errno\":16}", {7, "link", EBUSY, new_year})->message(),
        "good");
    for (const std::string_view log : {"", "\n", "\n\n\n", "{}", "x"}) EXPECT_FALSE(logged_reason(log, {7, "", EBUSY, 0})) << log;
}

}  // namespace
}  // namespace varve::mount_client
