// SPDX-License-Identifier: LGPL-2.1-or-later
// What stands after the '@' of a revision's path.
#pragma once

#include "drivers/base/names.h"
#include "drivers/base/timestamp.h"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace varve::base {

// "2018-01-02T03:04:05Z", or "2018-01-02T03:04:05Z.7": the state's time, and for a second state of the same second the
// driver's number for it (1 or more, never leading zeros).
struct TimedName {
    std::int64_t seconds = 0;
    std::optional<std::uint64_t> number;

    friend auto operator<=>(const TimedName&, const TimedName&) = default;
    [[nodiscard]] static Result<TimedName> parse(std::string_view text);
    [[nodiscard]] std::string str() const;
};

// Time or label.
class RevisionId {
public:
    RevisionId(TimedName name) : name_(name) {}         // NOLINT(google-explicit-constructor): both are revision ids
    RevisionId(Label name) : name_(std::move(name)) {}  // NOLINT(google-explicit-constructor)

    // InvalidName for what is neither a time nor a legal label.
    [[nodiscard]] static Result<RevisionId> parse(std::string_view text);

    [[nodiscard]] std::string str() const;
    [[nodiscard]] const TimedName* timed() const { return std::get_if<TimedName>(&name_); }
    [[nodiscard]] const Label* label() const { return std::get_if<Label>(&name_); }

    friend auto operator<=>(const RevisionId&, const RevisionId&) = default;

private:
    std::variant<TimedName, Label> name_;
};

}  // namespace varve::base
