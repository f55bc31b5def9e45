// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/api/schedule.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <chrono>

namespace varve::api {
namespace {

using namespace std::chrono;

std::int64_t at(int year, unsigned month, unsigned day, int hour = 0, int second = 0) {
    const auto date = std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day);
    return sys_seconds(sys_days(date)).time_since_epoch().count() + hour * 3600 + second;
}

TEST(ScheduleText, IsReadInAnyOrderAndWrittenInOne) {
    EXPECT_EQ(Schedule::parse("24h 7d 4w 12m 5y")->str(), "24h 7d 4w 12m 5y");
    EXPECT_EQ(Schedule::parse("  2y\t1h ")->str(), "1h 2y");
    EXPECT_EQ(Schedule::parse("7d")->count(Period::Day), 7U);
    EXPECT_EQ(Schedule::parse("7d")->count(Period::Hour), 0U);
    EXPECT_EQ(Schedule::parse("100000h")->count(Period::Hour), 100'000U);
    EXPECT_TRUE(Schedule::parse("none")->empty());
    EXPECT_EQ(Schedule().str(), "none");
}

TEST(ScheduleText, IsRefusedWithAnExample) {
    for (const auto* text : {"", " ", "7", "d", "7x", "7D", "0d", "-1d", "+1d", "1.5d", "7d7d", "7d 8d", "7 d", "none 7d", "7d none",
                             "100001h", "99999999999999999999h", "7d,4w", "7d\n"}) {
        const auto parsed = Schedule::parse(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().code, base::Errc::InvalidArgument);
        EXPECT_NE(parsed.error().context.find("24h 7d 4w 12m 5y"), std::string::npos) << parsed.error().context;
    }
    EXPECT_LT(Schedule::parse(std::string(1'000'000, 'h')).error().context.size(), 300U);
}

TEST(PeriodOf, ChangesAtTheBoundariesOfTheCalendar) {
    struct Boundary {
        Period period;
        std::int64_t first;
    };
    for (const auto& [period, first] :
         {Boundary{Period::Hour, at(2024, 2, 29, 13)}, Boundary{Period::Day, at(2024, 2, 29)},
          Boundary{Period::Week, at(2024, 2, 26)},  // a Monday
          Boundary{Period::Week, at(2025, 12, 29)}, Boundary{Period::Month, at(2024, 3, 1)}, Boundary{Period::Month, at(2025, 1, 1)},
          Boundary{Period::Year, at(2000, 1, 1)},
          // before 1970, too
          Boundary{Period::Hour, at(1969, 12, 31, 5)}, Boundary{Period::Day, at(1969, 12, 31)}, Boundary{Period::Week, at(1969, 12, 29)},
          Boundary{Period::Month, at(1969, 12, 1)}, Boundary{Period::Year, at(1901, 1, 1)}}) {
        EXPECT_EQ(period_of(period, first), period_of(period, first - 1) + 1) << period_name(period) << ' ' << first;
        EXPECT_EQ(period_of(period, first), period_of(period, first + 3599)) << period_name(period) << ' ' << first;
    }
    EXPECT_EQ(period_of(Period::Week, at(2024, 2, 26)), period_of(Period::Week, at(2024, 3, 3, 23, 3599)));
    EXPECT_EQ(period_of(Period::Month, at(2024, 2, 1)), period_of(Period::Month, at(2024, 2, 29)));
    EXPECT_EQ(period_of(Period::Year, at(2024, 1, 1)), period_of(Period::Year, at(2024, 12, 31)));
}

TEST(PeriodOf, NeverGoesBack) {
    EXPECT_TRUE(rc::check("a later second lies in no earlier period", [] {
        constexpr std::int64_t year_9999 = 253'402'300'799;
        const auto a = *rc::gen::inRange<std::int64_t>(-year_9999, year_9999);
        const auto b = *rc::gen::inRange<std::int64_t>(a, year_9999);
        for (const auto period : all_periods) RC_ASSERT(period_of(period, a) <= period_of(period, b));
    }));
}

}  // namespace
}  // namespace varve::api
