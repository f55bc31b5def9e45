// SPDX-License-Identifier: LGPL-2.1-or-later
// Which Varve file systems are mounted.
#pragma once

#include "drivers/base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace varve::mount_client {

// The mount points of Varve file systems in the text of /proc/self/mountinfo (proc(5)), in its order: whole ones only (no bind mounts of a
// part), one for each file system. Lines that are not in the kernel's form are skipped.
[[nodiscard]] std::vector<std::string> varve_mounts(std::string_view mountinfo);

// The only one there is. NotFound when there is none and InvalidArgument when there are several, with advice.
[[nodiscard]] base::Result<std::string> the_varve_mount(std::string_view mountinfo);

}  // namespace varve::mount_client
