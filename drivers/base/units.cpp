// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/base/units.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace varve::base {
namespace {

constexpr std::string_view prefixes = "KMGTPE";

Result<std::uint64_t> unit_factor(std::string_view suffix, std::string_view whole) {
    if (suffix.empty() || suffix == "B") return 1;
    const auto position = prefixes.find(static_cast<char>(suffix.front() & ~0x20));
    const auto rest = suffix.substr(1);
    if (position == std::string_view::npos || !(rest.empty() || rest == "iB" || rest == "i"))
        return fail(Errc::InvalidArgument, "'" + std::string(whole) + "' is not a size such as 512, 20M or 10G");
    return std::uint64_t{1} << (10 * (position + 1));
}

}  // namespace

Bytes portion_of(const Portion& portion, Bytes whole) {
    const auto* percent = std::get_if<Percent>(&portion);
    if (percent == nullptr) return std::get<Bytes>(portion);
    return {static_cast<std::uint64_t>(static_cast<double>(whole.count) * percent->value / 100)};
}

Result<Percent> parse_percent(std::string_view text) {
    const auto number = text.substr(0, text.find('%'));
    const auto* const end = number.data() + number.size();
    // from_chars would also take "inf" and "-5".
    const bool digits = !number.empty() && number.find_first_not_of("0123456789.") == std::string_view::npos;
    Percent percent;
    const auto parsed = std::from_chars(number.data(), end, percent.value, std::chars_format::fixed);
    if (!digits || number.size() + 1 != text.size() || parsed.ec == std::errc::invalid_argument || parsed.ptr != end)
        return fail(Errc::InvalidArgument, "'" + std::string(text) + "' is not a share such as 95%");
    if (parsed.ec != std::errc{} || percent.value > 100) return fail(Errc::TooLarge, "'" + std::string(text) + "' is more than 100%");
    return percent;
}

Result<Bytes> parse_bytes(std::string_view text) {
    const auto digits = text.find_first_not_of("0123456789.");
    const auto number = text.substr(0, digits);
    const auto factor = TRY(unit_factor(digits == std::string_view::npos ? "" : text.substr(digits), text));
    const auto bad = [&] { return fail(Errc::InvalidArgument, "'" + std::string(text) + "' is not a size such as 512, 20M or 10G"); };

    std::uint64_t whole = 0;
    const auto* const end = number.data() + number.size();
    const auto exact = std::from_chars(number.data(), end, whole);
    if (exact.ec == std::errc{} && exact.ptr == end) {
        std::uint64_t product = 0;
        if (__builtin_mul_overflow(whole, factor, &product))
            return fail(Errc::TooLarge, "'" + std::string(text) + "' does not fit in 64 bits");
        return Bytes{product};
    }
    double fraction = 0;
    const auto inexact = std::from_chars(number.data(), end, fraction, std::chars_format::fixed);
    if (number.empty() || inexact.ec != std::errc{} || inexact.ptr != end) return bad();
    const double product = std::floor(fraction * static_cast<double>(factor));
    if (product >= 18446744073709551616.0) return fail(Errc::TooLarge, "'" + std::string(text) + "' does not fit in 64 bits");
    return Bytes{static_cast<std::uint64_t>(product)};
}

std::string human(Bytes bytes) {
    if (bytes.count < 1024) return std::to_string(bytes.count) + " B";
    double value = static_cast<double>(bytes.count) / 1024;
    std::size_t unit = 0;
    while (value >= 1024 && unit + 1 < prefixes.size()) {
        value /= 1024;
        ++unit;
    }
    std::array<char, 32> text{};
    const int length = std::snprintf(text.data(), text.size(), "%.1f %ciB", value, prefixes[unit]);
    return {text.data(), static_cast<std::size_t>(length)};
}

}  // namespace varve::base
