// SPDX-License-Identifier: LGPL-2.1-or-later
// Tables of commands: a verb, what it takes, and what it does.
#pragma once

#include "drivers/base/result.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace varve::control {

// The words behind the verb.
using Arguments = std::span<const std::string>;

inline constexpr auto any_number = std::numeric_limits<std::size_t>::max();

struct Verb {
    std::string_view name;
    std::string_view parameters;  // as the usage shows them
    std::size_t least;
    std::size_t most;
};

// The row of `table` (whose rows have a `verb`) that the command asks for. InvalidArgument, naming the known verbs or the usage, when there is
// none or the number of arguments is wrong.
template <class Row>
[[nodiscard]] base::Result<const Row*> find_verb(std::span<const Row> table, const std::vector<std::string>& words) {
    const auto found = words.empty() ? table.end() : std::ranges::find(table, words.front(), [](const Row& row) { return row.verb.name; });
    if (found == table.end()) {
        std::string known;
        for (const auto& row : table) known += (known.empty() ? "" : ", ") + std::string(row.verb.name);
        const auto what =
            words.empty() ? std::string("the command is empty") : "there is no command '" + words.front().substr(0, 40) + "' here";
        return base::fail(base::Errc::InvalidArgument, what + "; known are " + known);
    }
    const auto& verb = found->verb;
    if (const auto count = words.size() - 1; count < verb.least || count > verb.most)
        return base::fail(base::Errc::InvalidArgument,
                          "usage: " + std::string(verb.name) + (verb.parameters.empty() ? "" : " ") + std::string(verb.parameters));
    return &*found;
}

}  // namespace varve::control
