// SPDX-License-Identifier: LGPL-2.1-or-later
// The commands of the root's `.varve`.
#pragma once

#include "drivers/base/result.h"
#include "fs/control/control_tree.h"
#include "fs/control/json.h"
#include "fs/control/verbs.h"

#include <span>

namespace varve::control {

struct RootCommand {
    Verb verb;
    base::Result<Json> (*run)(PoolAdministration& administration, Arguments arguments);  // gives the reply's `result`
};
[[nodiscard]] std::span<const RootCommand> root_commands();

}  // namespace varve::control
