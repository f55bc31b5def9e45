// SPDX-License-Identifier: LGPL-2.1-or-later
// The commands of a VM's directory: for all its volumes at once, and `create`.
#pragma once

#include "drivers/base/result.h"
#include "fs/control/json.h"
#include "fs/control/verbs.h"
#include "fs/engine/volumes.h"

#include <span>

namespace varve::control {

struct VmCommand {
    Verb verb;
    // Fills `reply` (see outcome_object) with `volumes`, one object for each volume that had something to do, or with `result`.
    base::Result<> (*run)(engine::Volumes& volumes, const engine::VmPtr& vm, Arguments arguments, Json& reply);
};
[[nodiscard]] std::span<const VmCommand> vm_commands();

}  // namespace varve::control
