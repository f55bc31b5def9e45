// SPDX-License-Identifier: LGPL-2.1-or-later
// Files outside the mount, as arguments name them.
#pragma once

#include "drivers/base/result.h"
#include "orchestrator/cli/world.h"

#include <optional>
#include <string>

namespace varve::cli {

// The file's path, absolute when the working directory is; nothing for `-`, a standard stream. InvalidArgument when empty.
[[nodiscard]] base::Result<std::optional<std::string>> local_path(const std::string& argument, const std::string& working_directory);

// Where images wait that come from a pipe or go to one: --spool DIR, else TMPDIR, else /var/tmp, which unlike /tmp is no memory.
[[nodiscard]] std::string spool_directory(const std::string& option, const World& world);

}  // namespace varve::cli
