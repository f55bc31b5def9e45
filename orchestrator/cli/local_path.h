// SPDX-License-Identifier: LGPL-2.1-or-later
// Files outside the mount, as arguments name them.
#pragma once

#include "drivers/base/result.h"

#include <optional>
#include <string>

namespace varve::cli {

// The file's path, absolute when the working directory is; nothing for `-`, a standard stream. InvalidArgument when empty.
[[nodiscard]] base::Result<std::optional<std::string>> local_path(const std::string& argument, const std::string& working_directory);

}  // namespace varve::cli
