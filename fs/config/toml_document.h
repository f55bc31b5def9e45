// SPDX-License-Identifier: LGPL-2.1-or-later
// A TOML text as plain tables: all that the rest of this folder knows of TOML.
#pragma once

#include "fs/config/config.h"
#include "fs/config/value.h"

#include <string_view>
#include <vector>

namespace varve::config {

struct Document {
    Table top;  // `pool` is in it only when it is not an array of tables
    std::vector<Table> pools;
};

// The document, or where its syntax is broken (the parser stops there).
[[nodiscard]] tl::expected<Document, Mistake> read_toml(std::string_view text);

}  // namespace varve::config
