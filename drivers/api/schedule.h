// SPDX-License-Identifier: LGPL-2.1-or-later
// Which past states are kept beside the newest: so many hours, days, weeks, months and years back.
#pragma once

#include "drivers/base/result.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace varve::api {

// Calendar periods of UTC. Weeks begin on Monday.
enum class Period : std::uint8_t { Hour, Day, Week, Month, Year };
inline constexpr std::array all_periods{Period::Hour, Period::Day, Period::Week, Period::Month, Period::Year};

// "hour", "day", ...
[[nodiscard]] std::string_view period_name(Period period);
// The number of the period in which a second since the epoch lies; rises by one from period to period.
[[nodiscard]] std::int64_t period_of(Period period, std::int64_t seconds);

// "24h 7d 4w 12m 5y": of each of the last 24 hours that have states the newest one, of each of the last 7 days, and so on. Periods in which no state
// was made do not count, so that a volume at rest keeps what it has.
class Schedule {
public:
    // Nothing is kept.
    Schedule() = default;
    // The notation above, in any order, blanks between; "none" is the empty one. InvalidArgument for anything else.
    [[nodiscard]] static base::Result<Schedule> parse(std::string_view text);
    // What parse() reads back.
    [[nodiscard]] std::string str() const;

    [[nodiscard]] bool empty() const { return counts_ == decltype(counts_){}; }
    [[nodiscard]] std::uint32_t count(Period period) const { return counts_[static_cast<std::size_t>(period)]; }
    friend bool operator==(const Schedule&, const Schedule&) = default;

private:
    std::array<std::uint32_t, all_periods.size()> counts_{};
};

}  // namespace varve::api
