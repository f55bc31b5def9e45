// SPDX-License-Identifier: LGPL-2.1-or-later
// The grammar of a command written to a `ctl` file: words separated by blanks; a word may stand in double quotes, inside which
// \" and \\ stand for themselves. One final newline is ignored.
#pragma once

#include "drivers/base/result.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace varve::protocol {

// What one write(2) may hold: FUSE delivers at least a page in one piece.
inline constexpr std::size_t longest_command = 4096;

// The words of a command; blanks are spaces and tabs, and an empty command has none. InvalidArgument for a quote that is left open, a quote or
// any character stuck to a quoted word, a backslash inside quotes before anything else, and control characters (newlines but the last, zeros).
[[nodiscard]] base::Result<std::vector<std::string>> split_command(std::string_view text);

// The command that split_command reads as these words, with a final newline. InvalidArgument for a word that no command can carry
// (control characters), TooLarge when it does not fit in one write.
[[nodiscard]] base::Result<std::string> join_command(std::span<const std::string> words);

}  // namespace varve::protocol
