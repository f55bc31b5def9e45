// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/base/timestamp.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstdlib>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace varve::base {
namespace {

TEST(IsoUtc, KnownTimes) {
    const std::vector<std::pair<std::int64_t, std::string>> known{
        {0, "1970-01-01T00:00:00Z"},          {-1, "1969-12-31T23:59:59Z"},           {1514862245, "2018-01-02T03:04:05Z"},
        {951782400, "2000-02-29T00:00:00Z"},  {4107542399, "2100-02-28T23:59:59Z"},   {4107542400, "2100-03-01T00:00:00Z"},
        {2147483648, "2038-01-19T03:14:08Z"}, {-62167219200, "0000-01-01T00:00:00Z"}, {253402300799, "9999-12-31T23:59:59Z"}};
    for (const auto& [seconds, text] : known) {
        EXPECT_EQ(iso_utc(seconds), text);
        const auto read = parse_iso_utc(text);
        ASSERT_TRUE(read) << text;
        EXPECT_EQ(*read, seconds);
    }
}

TEST(IsoUtc, TimesBeyondTheYearsAreShownAsTheNearest) {
    EXPECT_EQ(iso_utc(std::numeric_limits<std::int64_t>::max()), "9999-12-31T23:59:59Z");
    EXPECT_EQ(iso_utc(253402300800), "9999-12-31T23:59:59Z");
    EXPECT_EQ(iso_utc(std::numeric_limits<std::int64_t>::min()), "0000-01-01T00:00:00Z");
}

TEST(IsoUtc, EveryNameableTimeReadsBack) {
    EXPECT_TRUE(rc::check("parse_iso_utc(iso_utc(t)) == t", [] {
        const auto seconds = *rc::gen::inRange<std::int64_t>(-62167219200, 253402300800);
        const auto read = parse_iso_utc(iso_utc(seconds));
        RC_ASSERT(read.has_value());
        RC_ASSERT(*read == seconds);
    }));
}

TEST(IsoUtc, TheTextsAreOrderedAsTheTimes) {
    EXPECT_TRUE(rc::check("later times are later texts", [] {
        const auto a = *rc::gen::inRange<std::int64_t>(-62167219200, 253402300800);
        const auto b = *rc::gen::inRange<std::int64_t>(-62167219200, 253402300800);
        RC_ASSERT((a < b) == (iso_utc(a) < iso_utc(b)));
    }));
}

TEST(ParseIsoUtc, RefusesWhatIsNotExactlyATime) {
    for (const std::string text : {"",
                                   "2018-01-02T03:04:05",
                                   "2018-01-02t03:04:05Z",
                                   "2018-01-02 03:04:05Z",
                                   "2018-1-2T3:4:5Z",
                                   "18-01-02T03:04:05Z",
                                   "02018-01-02T03:04:05Z",
                                   "2018-00-02T03:04:05Z",
                                   "2018-13-02T03:04:05Z",
                                   "2018-01-00T03:04:05Z",
                                   "2018-01-32T03:04:05Z",
                                   "2018-02-29T03:04:05Z",
                                   "2100-02-29T03:04:05Z",
                                   "2018-04-31T03:04:05Z",
                                   "2018-01-02T24:00:00Z",
                                   "2018-01-02T03:60:00Z",
                                   "2018-01-02T03:04:60Z",
                                   "+018-01-02T03:04:05Z",
                                   "-001-01-02T03:04:05Z",
                                   "2018-01-02T03:04:5 Z",
                                   "2018-01-02T 3:04:05Z",
                                   "2018-01-02T03:04:05Z ",
                                   " 2018-01-02T03:04:05Z",
                                   "2018-01-02T03:04:05+00:00"}) {
        const auto read = parse_iso_utc(text);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().code, Errc::InvalidName) << text;
    }
}

TEST(IsoUtc, IgnoresTheLocalTimeZone) {
    const char* before = std::getenv("TZ");
    const std::string kept = before == nullptr ? "" : before;
    ASSERT_EQ(::setenv("TZ", "America/New_York", 1), 0);
    ::tzset();
    EXPECT_EQ(iso_utc(0), "1970-01-01T00:00:00Z");
    EXPECT_EQ(*parse_iso_utc("1970-01-01T00:00:00Z"), 0);
    ASSERT_EQ(before == nullptr ? ::unsetenv("TZ") : ::setenv("TZ", kept.c_str(), 1), 0);
    ::tzset();
}

TEST(Timestamp, IsATimespec) {
    const Timestamp time{1514862245, 999'999'999};
    EXPECT_EQ(Timestamp::from(time.to_timespec()), time);
    EXPECT_LT((Timestamp{1, 999'999'999}), (Timestamp{2, 0}));
    EXPECT_LT((Timestamp{1, 1}), (Timestamp{1, 2}));
}

TEST(SystemClock, IsNear) {
    timespec now{};
    ASSERT_EQ(::clock_gettime(CLOCK_REALTIME, &now), 0);
    EXPECT_NEAR(static_cast<double>(SystemClock().now().seconds), static_cast<double>(now.tv_sec), 2.0);
}

}  // namespace
}  // namespace varve::base
