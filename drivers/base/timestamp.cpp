// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/base/timestamp.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>

namespace varve::base {
namespace {

using std::chrono::sys_seconds;

bool read_number(std::string_view digits, int& value) {
    const auto* const end = digits.data() + digits.size();
    for (const char c : digits)
        if (c < '0' || c > '9') return false;
    return std::from_chars(digits.data(), end, value).ptr == end;
}

}  // namespace

std::string iso_utc(std::int64_t seconds) {
    constexpr std::int64_t first = -62167219200;  // 0000-01-01T00:00:00Z
    constexpr std::int64_t last = 253402300799;   // 9999-12-31T23:59:59Z
    const sys_seconds time{std::chrono::seconds{std::clamp(seconds, first, last)}};
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{time - day};
    std::array<char, 32> text{};
    const int length =
        std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                      static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
    return {text.data(), static_cast<std::size_t>(length)};
}

Result<std::int64_t> parse_iso_utc(std::string_view text) {
    const auto bad = [&] { return fail(Errc::InvalidName, "'" + std::string(text) + "' is not a time such as 2018-01-02T03:04:05Z"); };
    constexpr std::string_view shape = "....-..-..T..:..:..Z";
    if (text.size() != shape.size()) return bad();
    for (std::size_t i = 0; i < shape.size(); ++i)
        if (shape[i] != '.' && shape[i] != text[i]) return bad();
    std::array<int, 6> field{};
    constexpr std::array<std::pair<int, int>, 6> where{{{0, 4}, {5, 2}, {8, 2}, {11, 2}, {14, 2}, {17, 2}}};
    for (std::size_t i = 0; i < field.size(); ++i)
        if (!read_number(text.substr(static_cast<std::size_t>(where[i].first), static_cast<std::size_t>(where[i].second)), field[i]))
            return bad();
    const std::chrono::year_month_day date{std::chrono::year{field[0]}, std::chrono::month{static_cast<unsigned>(field[1])},
                                           std::chrono::day{static_cast<unsigned>(field[2])}};
    if (!date.ok() || field[3] > 23 || field[4] > 59 || field[5] > 59) return bad();
    const auto days = std::chrono::sys_days{date}.time_since_epoch().count();
    return std::int64_t{days} * 86400 + std::int64_t{field[3]} * 3600 + std::int64_t{field[4]} * 60 + field[5];
}

Timestamp SystemClock::now() const {
    timespec time{};
    (void)::clock_gettime(CLOCK_REALTIME_COARSE, &time);  // fails only for an unknown clock
    return Timestamp::from(time);
}

}  // namespace varve::base
