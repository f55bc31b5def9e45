// SPDX-License-Identifier: LGPL-2.1-or-later
// Amounts that must not be mixed up with plain integers.
#pragma once

#include "drivers/base/result.h"

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace varve::base {

inline constexpr std::uint64_t sector_size = 512;

struct Bytes {
    std::uint64_t count = 0;

    friend constexpr auto operator<=>(Bytes, Bytes) = default;
    friend constexpr Bytes operator+(Bytes a, Bytes b) { return {a.count + b.count}; }
    friend constexpr Bytes operator-(Bytes a, Bytes b) { return {a.count - b.count}; }

    [[nodiscard]] constexpr bool whole_sectors() const { return count % sector_size == 0; }
};

struct SectorCount {
    std::uint64_t count = 0;

    friend constexpr auto operator<=>(SectorCount, SectorCount) = default;
    friend constexpr SectorCount operator+(SectorCount a, SectorCount b) { return {a.count + b.count}; }
    [[nodiscard]] constexpr Bytes bytes() const { return {count * sector_size}; }
};

// The largest volume: the largest file offset (2^63-1), rounded down to whole sectors.
inline constexpr Bytes largest_volume{(std::uint64_t{1} << 63) - sector_size};

struct Percent {
    double value = 0;

    friend constexpr bool operator==(Percent, Percent) = default;
};

// An amount of a whole, or a share of it.
using Portion = std::variant<Percent, Bytes>;
[[nodiscard]] Bytes portion_of(const Portion& portion, Bytes whole);

// "95%", "2.5%". InvalidArgument for anything else, TooLarge for more than 100%.
[[nodiscard]] Result<Percent> parse_percent(std::string_view text);

// "10G", "512", "1.5T", "20GiB": binary units (1 K = 1024), as truncate(1) and qemu-img read them.
// InvalidArgument for anything else, a negative number, and what does not fit in 64 bits.
[[nodiscard]] Result<Bytes> parse_bytes(std::string_view text);

// "10.0 GiB", "512 B".
[[nodiscard]] std::string human(Bytes bytes);

}  // namespace varve::base
