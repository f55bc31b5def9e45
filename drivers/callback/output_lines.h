// SPDX-License-Identifier: LGPL-2.1-or-later
// What a program said, for the log and for messages.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace varve::callback {

inline constexpr std::size_t longest_line = 400;
inline constexpr std::size_t most_lines = 50;

// The last lines that are not blank, of ASCII's printable characters alone ('?' stands for others), long ones cut.
[[nodiscard]] std::vector<std::string> printable_lines(std::string_view text);

}  // namespace varve::callback
