// SPDX-License-Identifier: LGPL-2.1-or-later
// For tests whose programs start daemons that would outlive them.
#pragma once

#include "drivers/base/result.h"

namespace varve::test_support {

// The caller goes on in a child, in namespaces of processes and mounts of its own (with their /proc); this process waits, and ends as the child does.
// However either ends, killed too, all processes that came after end, and with them their mounts. To be called by a process of one thread.
[[nodiscard]] base::Result<> enter_private_processes();

}  // namespace varve::test_support
