// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether a file may be run with the daemon's rights.
#pragma once

#include "drivers/base/result.h"

#include <filesystem>

namespace varve::callback {

// An absolute path to a regular file that somebody may execute, owned by root or by this process's user and written by nobody else; the same
// holds for the directories above it (or they are sticky, as /tmp). Denied, NotFound or InvalidArgument says what is wrong, and what to do.
[[nodiscard]] base::Result<> check_trusted(const std::filesystem::path& program);

}  // namespace varve::callback
