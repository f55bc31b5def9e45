// SPDX-License-Identifier: LGPL-2.1-or-later
// Text of users in messages.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace varve::settings {

// Well-formed UTF-8 as RFC 3629 has it: no surrogates, no overlong forms.
[[nodiscard]] bool is_utf8(std::string_view text);

// 'text', shortened, with nothing in it that upsets a terminal or a reader of UTF-8.
[[nodiscard]] std::string quote(std::string_view text);

// The candidate that `text` was probably meant to be: at most two typing errors away. Empty when there is none.
[[nodiscard]] std::string_view closest(std::string_view text, std::span<const std::string_view> candidates);

}  // namespace varve::settings
