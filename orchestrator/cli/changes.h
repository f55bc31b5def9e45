// SPDX-License-Identifier: LGPL-2.1-or-later
// Changes of a VM's definition.
#pragma once

#include "drivers/base/result.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace varve::cli {

struct OrchestratorContext;

// {"KEY": "VALUE"...}; InvalidArgument for a word without '=' and a key that comes twice.
[[nodiscard]] base::Result<nlohmann::json> read_changes(const std::vector<std::string>& words);

// Calls vm.set with `what`: "changes" (an empty value takes a key away), "toml"; and shows the definition as it is then.
[[nodiscard]] base::Result<> change_definition(const OrchestratorContext& context, const std::string& vm, nlohmann::json what);

}  // namespace varve::cli
