// SPDX-License-Identifier: LGPL-2.1-or-later
// What the kernel tells of a file's extents (FIEMAP: Documentation/filesystems/fiemap.rst).
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/units.h"

namespace varve::kernel {

// Bytes in extents that no other file shares. Takes time linear in the extents, and constant memory.
[[nodiscard]] base::Result<base::Bytes> exclusive_bytes(int file);

}  // namespace varve::kernel
