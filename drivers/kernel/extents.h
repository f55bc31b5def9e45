// SPDX-License-Identifier: LGPL-2.1-or-later
// What the kernel tells of a file's extents (FIEMAP: Documentation/filesystems/fiemap.rst).
#pragma once

#include "drivers/base/extent.h"
#include "drivers/base/result.h"

namespace varve::kernel {

// Bytes in extents that no other file shares. Takes time linear in the extents, and constant memory.
[[nodiscard]] base::Result<base::Bytes> exclusive_bytes(int file);

// Where two files of one file system may differ: everywhere but where both share an extent, or have none. Behind its end a file has none.
// Unsupported where the file system tells nothing of extents. Takes time linear in both files' extents.
[[nodiscard]] base::Result<base::Extents> differing_extents(int one, int other);

}  // namespace varve::kernel
