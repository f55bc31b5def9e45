// SPDX-License-Identifier: LGPL-2.1-or-later
// A TOML text as plain tables, and back: all that the rest of Varve knows of TOML.
#pragma once

#include "drivers/settings/mistakes.h"
#include "drivers/settings/value.h"

#include <string>
#include <string_view>

namespace varve::settings {

// The text, or where its syntax is broken (the parser stops there). `text` is TOML 1.0. Entries are in the order of their keys.
[[nodiscard]] tl::expected<Table, Mistake> read_toml(std::string_view text);

// The text that read_toml() reads back as the table, but for lines. Words and what no key takes cannot be in it.
[[nodiscard]] std::string to_toml(const Table& table);

// A basic string (TOML 1.0, "String"), with its quotation marks.
[[nodiscard]] std::string toml_string(std::string_view text);

}  // namespace varve::settings
