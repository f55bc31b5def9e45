// SPDX-License-Identifier: LGPL-2.1-or-later
// "Name:  value" lines for people.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace varve::cli {

// One line each, values in one column and made printable; a row without a name goes on with the row before.
[[nodiscard]] std::string sheet(const std::vector<std::pair<std::string, std::string>>& rows);

}  // namespace varve::cli
