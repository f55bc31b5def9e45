// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/settings/scalars.h"

#include "drivers/settings/text.h"

#include <charconv>
#include <climits>

namespace varve::settings {
namespace {

using base::Errc;
using base::fail;

constexpr std::string_view minimum_free_expected = "a share such as \"5%\" or an amount such as \"10G\"";
constexpr std::string_view duration_expected = "a time such as \"24h\", \"90m\", \"3600s\" or \"7d\", or a number of seconds";
constexpr std::string_view mode_expected = "an octal mode such as \"0750\" or 0o750";

base::Result<base::Portion> share(std::string_view text, const Value& value) {
    const auto percent = base::parse_percent(text);
    if (percent) return *percent;
    if (percent.error().code == Errc::TooLarge)
        return fail(Errc::InvalidArgument, "expected a share from 0% to 100%, not " + describe(value));
    return unexpected(minimum_free_expected, value);
}

// 0 for what is no unit.
std::int64_t seconds_of_unit(char unit) {
    switch (unit) {
        case 's': return 1;
        case 'm': return 60;
        case 'h': return 3600;
        case 'd': return 86400;
        default: return 0;
    }
}

base::Result<std::chrono::seconds> limited(std::uint64_t count, std::int64_t unit, const Value& value) {
    if (count > static_cast<std::uint64_t>(longest_duration.count() / unit))
        return fail(Errc::InvalidArgument, "expected at most 36500 days, not " + describe(value));
    return std::chrono::seconds(static_cast<std::int64_t>(count) * unit);
}

// `expected` names what would have been right.
base::Result<base::Bytes> amount_as(const Value& value, std::string_view expected) {
    if (const auto* integer = std::get_if<Integer>(&value)) {
        if (integer->value < 0) return unexpected(expected, value);
        return base::Bytes{static_cast<std::uint64_t>(integer->value)};
    }
    auto bytes = base::parse_bytes(TRY(text_of(value, expected)));
    if (!bytes && bytes.error().code == Errc::InvalidArgument) return unexpected(expected, value);
    return bytes;
}

}  // namespace

base::Result<base::Portion> minimum_free(const Value& value) {
    const auto* text = text_in(value);
    if (text != nullptr && text->ends_with('%')) return share(*text, value);
    return TRY(amount_as(value, minimum_free_expected));
}

base::Result<std::chrono::seconds> duration(const Value& value) {
    if (!text_in(value)) {
        const auto seconds = TRY(integer_of(value, duration_expected));
        if (seconds < 0) return unexpected(duration_expected, value);
        return limited(static_cast<std::uint64_t>(seconds), 1, value);
    }
    const auto text = TRY(text_of(value, duration_expected));
    const std::int64_t unit = text.empty() ? 0 : seconds_of_unit(text.back());
    if (unit == 0) return unexpected(duration_expected, value);
    std::uint64_t count = 0;
    const auto* const end = text.data() + text.size() - 1;
    const auto parsed = std::from_chars(text.data(), end, count);
    if (parsed.ec == std::errc::invalid_argument || parsed.ptr != end) return unexpected(duration_expected, value);
    return limited(parsed.ec == std::errc{} ? count : UINT64_MAX, unit, value);
}

base::Result<std::chrono::milliseconds> precise_duration(const Value& value) {
    const auto* text = text_in(value);
    if (text == nullptr || !text->ends_with("ms")) return std::chrono::milliseconds(TRY(duration(value)));
    std::uint64_t count = 0;
    const auto* const end = text->data() + text->size() - 2;
    const auto parsed = std::from_chars(text->data(), end, count);
    if (parsed.ec == std::errc::invalid_argument || parsed.ptr != end) return unexpected(duration_expected, value);
    constexpr auto most = std::chrono::milliseconds(longest_duration).count();
    if (parsed.ec != std::errc{} || count > static_cast<std::uint64_t>(most)) return limited(UINT64_MAX, 1, value);
    return std::chrono::milliseconds(static_cast<std::int64_t>(count));
}

std::string duration_text(std::chrono::milliseconds duration) {
    constexpr std::int64_t in_a_second = 1000;
    const auto count = duration.count();
    return count % in_a_second == 0 ? std::to_string(count / in_a_second).append("s") : std::to_string(count).append("ms");
}

base::Result<base::Bytes> amount(const Value& value) { return amount_as(value, "an amount such as \"512M\" or \"4G\""); }

std::string amount_text(base::Bytes bytes) {
    constexpr std::string_view units = "KMGT";
    auto count = bytes.count;
    std::size_t unit = 0;
    for (; unit < units.size() && count != 0 && count % 1024 == 0; ++unit) count /= 1024;
    auto text = std::to_string(count);
    if (unit > 0) text += units[unit - 1];
    return text;
}

base::Result<mode_t> mode(const Value& value) {
    constexpr std::int64_t all_permissions = 0777;
    std::int64_t bits = 0;
    if (const auto* integer = std::get_if<Integer>(&value)) {
        if (!integer->octal) return fail(Errc::InvalidArgument, "expected " + std::string(mode_expected) + ", not a decimal number");
        bits = integer->value;
    } else {
        const auto text = TRY(text_of(value, mode_expected));
        const auto* const end = text.data() + text.size();
        const auto parsed = std::from_chars(text.data() + (text.starts_with("0o") ? 2 : 0), end, bits, 8);
        if (parsed.ec != std::errc{} || parsed.ptr != end) return unexpected(mode_expected, value);
    }
    if (bits < 0 || bits > all_permissions) return fail(Errc::InvalidArgument, "expected a mode from 0000 to 0777: permission bits only");
    return static_cast<mode_t>(bits);
}

base::Result<bool> yes_or_no(const Value& value) {
    const auto* answer = std::get_if<bool>(&value);
    if (answer == nullptr) return unexpected("true or false", value);
    return *answer;
}

base::Result<std::filesystem::path> absolute_path(const Value& value) {
    const auto text = TRY(text_of(value, "an absolute path"));
    if (!text.starts_with('/')) return fail(Errc::InvalidArgument, "expected an absolute path, not " + quote(text));
    if (text.size() >= PATH_MAX) return fail(Errc::InvalidArgument, quote(text) + " is longer than a path may be");
    return std::filesystem::path(text);
}

}  // namespace varve::settings
