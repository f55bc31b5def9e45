// SPDX-License-Identifier: LGPL-2.1-or-later
// Which system calls a program that reads what strangers made may not make: seccomp's filter (Documentation/userspace-api/seccomp_filter.rst).
#pragma once

#include "drivers/base/result.h"

#include <linux/filter.h>

#include <vector>

namespace varve::image_formats {

// A deny list beside Landlock, of what that does not know in every version and who converts an image never does: network and other sockets, other processes and
// looks into other processes, owners, modes and attributes of files, truncation by path, mounts and namespaces, keys, and ways around the filter. They
// fail with EPERM. Empty where the kernel has no filters.
using CallFilter = std::vector<sock_filter>;

[[nodiscard]] base::Result<CallFilter> make_call_filter();

// Binds this thread and what it starts, from here on; it must have PR_SET_NO_NEW_PRIVS. Async-signal-safe; 0 or the errno.
[[nodiscard]] int bind_to(const CallFilter& filter);

}  // namespace varve::image_formats
