// SPDX-License-Identifier: LGPL-2.1-or-later
// The whole of `varve` but the process around it.
#pragma once

#include "orchestrator/cli/exit_code.h"
#include "orchestrator/cli/world.h"

#include <string>
#include <vector>

namespace varve::cli {

// The arguments are without the program's name.
[[nodiscard]] ExitCode run(std::vector<std::string> arguments, const World& world);

}  // namespace varve::cli
