// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/base/revision_name.h"

#include <charconv>

namespace varve::base {

Result<TimedName> TimedName::parse(std::string_view text) {
    constexpr std::size_t time_length = 20;
    const auto seconds = TRY(parse_iso_utc(text.substr(0, time_length)));
    if (text.size() == time_length || text.size() < time_length) return TimedName{seconds, {}};
    const auto digits = text.substr(time_length + 1);
    std::uint64_t number = 0;
    const auto* const end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, number);
    if (text[time_length] != '.' || digits.empty() || digits.front() < '1' || digits.front() > '9' || read.ec != std::errc{} ||
        read.ptr != end)
        return fail(Errc::InvalidName, "'" + std::string(text) + "' is not a time such as 2018-01-02T03:04:05Z or 2018-01-02T03:04:05Z.7");
    return TimedName{seconds, number};
}

std::string TimedName::str() const {
    auto text = iso_utc(seconds);
    if (number) text += "." + std::to_string(*number);
    return text;
}

Result<RevisionId> RevisionId::parse(std::string_view text) {
    if (const auto timed = TimedName::parse(text)) return RevisionId(*timed);
    return RevisionId(TRY(Label::parse(text)));
}

std::string RevisionId::str() const {
    if (const auto* time = timed()) return time->str();
    return label()->str();
}

}  // namespace varve::base
