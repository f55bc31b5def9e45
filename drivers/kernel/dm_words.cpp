// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/dm_words.h"

#include <algorithm>
#include <charconv>

namespace varve::kernel {
namespace {

constexpr std::string_view blanks = " \n";

std::string_view without_leading_blanks(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    return text;
}

// Control characters and what is too long for a line of a log are not passed on.
std::string printable(std::string_view text) {
    constexpr std::size_t shown = 200;
    std::string safe;
    for (const char c : text.substr(0, shown)) safe += (c >= ' ' && c < '\x7f') ? c : '?';
    if (text.size() > shown) safe += "...";
    return safe;
}

}  // namespace

bool read_decimal(std::string_view text, std::uint64_t& value) {
    const auto* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    return !text.empty() && read.ec == std::errc{} && read.ptr == end;
}

DmWords::DmWords(std::string_view what, std::string_view text, bool may_be_quoted)
    : what_(what), text_(text), rest_(without_leading_blanks(text)), may_be_quoted_(may_be_quoted) {}

base::Result<std::string_view> DmWords::word() {
    if (at_end()) return corrupt("it ends too early");
    const auto length = std::min(rest_.find_first_of(blanks), rest_.size());
    const auto taken = rest_.substr(0, length);
    rest_ = without_leading_blanks(rest_.substr(length));
    return taken;
}

base::Result<std::uint64_t> DmWords::number() {
    std::uint64_t value = 0;
    if (!read_decimal(TRY(word()), value)) return corrupt("a number is missing");
    return value;
}

base::Result<std::pair<std::uint64_t, std::uint64_t>> DmWords::fraction() {
    const auto text = TRY(word());
    const auto slash = text.find('/');
    std::pair<std::uint64_t, std::uint64_t> value;
    if (slash == std::string_view::npos || !read_decimal(text.substr(0, slash), value.first) ||
        !read_decimal(text.substr(slash + 1), value.second))
        return corrupt("an amount such as 2/16 is missing");
    return value;
}

base::Result<DeviceNumber> DmWords::device() {
    auto number = DeviceNumber::parse(TRY(word()));
    if (!number) return corrupt("a device number is missing");
    return number;
}

base::Result<> DmWords::end() {
    if (!at_end()) return corrupt("more follows than is known");
    return {};
}

base::Failure DmWords::corrupt(std::string_view why) const {
    const auto quoted = may_be_quoted_ ? " '" + printable(text_) + "'" : std::string();
    return base::fail(base::Errc::Corrupt, "cannot read " + std::string(what_) + quoted + ": " + std::string(why));
}

}  // namespace varve::kernel
