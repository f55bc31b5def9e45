// SPDX-License-Identifier: LGPL-2.1-or-later
// Text that somebody else wrote, made safe to show.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace varve::cli {

// Control characters (also those above ASCII), marks that turn the direction of writing and bytes that are not UTF-8 become `\xNN` and `\u{N}`;
// newlines and tabs too.
[[nodiscard]] std::string printable(std::string_view text);

// How many columns printable text takes: one for each character.
[[nodiscard]] std::size_t columns(std::string_view text);

}  // namespace varve::cli
