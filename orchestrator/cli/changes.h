// SPDX-License-Identifier: LGPL-2.1-or-later
// KEY=VALUE words.
#pragma once

#include "drivers/base/result.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace varve::cli {

// {"KEY": "VALUE"...}; InvalidArgument for a word without '=' and a key that comes twice.
[[nodiscard]] base::Result<nlohmann::json> read_changes(const std::vector<std::string>& words);

}  // namespace varve::cli
