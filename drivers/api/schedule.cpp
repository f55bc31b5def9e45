// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/api/schedule.h"

#include <charconv>
#include <chrono>

namespace varve::api {

using base::Errc;
using base::fail;
using base::Result;

namespace {

constexpr std::string_view letters = "hdwmy";  // of all_periods
constexpr std::uint32_t most = 100'000;
constexpr std::string_view none = "none";
constexpr std::string_view blanks = " \t";

Result<Schedule> wrong(std::string_view text) {
    return fail(
        Errc::InvalidArgument,
        "'" + std::string(text.substr(0, 80)) +
            "' is no schedule; write how many hours, days, weeks, months and years to keep, such as \"24h 7d 4w 12m 5y\", or \"none\"");
}

// Rounds down, also before 1970.
std::int64_t floored(std::int64_t value, std::int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

std::chrono::year_month_day date_of(std::int64_t seconds) {
    return std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(std::chrono::seconds(seconds))));
}

}  // namespace

std::string_view period_name(Period period) {
    constexpr std::array<std::string_view, all_periods.size()> names{"hour", "day", "week", "month", "year"};
    return names[static_cast<std::size_t>(period)];
}

std::int64_t period_of(Period period, std::int64_t seconds) {
    constexpr std::int64_t hour = 3600;
    constexpr std::int64_t day = 24 * hour;
    constexpr std::int64_t week = 7 * day;
    constexpr std::int64_t monday_before_epoch = 3 * day;  // 1970-01-01 was a Thursday
    switch (period) {
        case Period::Hour: return floored(seconds, hour);
        case Period::Day: return floored(seconds, day);
        case Period::Week: return floored(seconds + monday_before_epoch, week);
        case Period::Month: {
            constexpr std::int64_t months_of_year = 12;
            const auto date = date_of(seconds);
            return static_cast<int>(date.year()) * months_of_year + static_cast<unsigned>(date.month());
        }
        case Period::Year: break;
    }
    return static_cast<int>(date_of(seconds).year());
}

Result<Schedule> Schedule::parse(std::string_view text) {
    Schedule schedule;
    if (text == none) return schedule;
    auto rest = text;
    for (auto begin = rest.find_first_not_of(blanks); begin != std::string_view::npos; begin = rest.find_first_not_of(blanks)) {
        rest.remove_prefix(begin);
        const auto word = rest.substr(0, rest.find_first_of(blanks));
        rest.remove_prefix(word.size());
        std::uint32_t count = 0;
        const auto* const last = word.data() + word.size() - 1;
        const auto read = std::from_chars(word.data(), last, count);
        const auto letter = letters.find(*last);
        if (read.ec != std::errc{} || read.ptr != last || letter == std::string_view::npos || count == 0 || count > most)
            return wrong(text);
        if (schedule.counts_[letter] != 0) return wrong(text);
        schedule.counts_[letter] = count;
    }
    if (schedule.empty()) return wrong(text);
    return schedule;
}

std::string Schedule::str() const {
    if (empty()) return std::string(none);
    std::string text;
    for (const auto period : all_periods) {
        if (count(period) == 0) continue;
        if (!text.empty()) text += ' ';
        text.append(std::to_string(count(period))).push_back(letters[static_cast<std::size_t>(period)]);
    }
    return text;
}

}  // namespace varve::api
