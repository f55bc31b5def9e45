// SPDX-License-Identifier: LGPL-2.1-or-later
// Points in time as file systems keep them.
#pragma once

#include "drivers/base/result.h"

#include <compare>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

namespace varve::base {

// Wall-clock time since the epoch, UTC.
struct Timestamp {
    std::int64_t seconds = 0;
    std::uint32_t nanoseconds = 0;  // below 10^9

    friend constexpr auto operator<=>(Timestamp, Timestamp) = default;

    [[nodiscard]] timespec to_timespec() const { return {seconds, static_cast<long>(nanoseconds)}; }
    [[nodiscard]] static Timestamp from(timespec time) { return {time.tv_sec, static_cast<std::uint32_t>(time.tv_nsec)}; }
};

// "2018-01-02T03:04:05Z". Years below 0 or above 9999 are shown as the nearest of them.
[[nodiscard]] std::string iso_utc(std::int64_t seconds);

// Exactly the form above, with every field in range; InvalidName for anything else.
[[nodiscard]] Result<std::int64_t> parse_iso_utc(std::string_view text);

// Where the time comes from: the system's clock, or one that a test moves by hand.
class Clock {
public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual Timestamp now() const = 0;
};

class SystemClock final : public Clock {
public:
    // The kernel's coarse clock: the one file systems stamp files with, so that times compare.
    [[nodiscard]] Timestamp now() const override;
};

}  // namespace varve::base
