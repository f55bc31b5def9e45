// SPDX-License-Identifier: LGPL-2.1-or-later
// A copy that keeps holes.
#pragma once

#include "drivers/base/result.h"

namespace varve::kernel {

// Copies the data ranges of `from` (SEEK_DATA, SEEK_HOLE) to the empty file `to` and gives it the same size. Of a block device, which knows no
// holes, it copies the blocks that are not zeroes.
[[nodiscard]] base::Result<> copy_sparse(int from, int to);

}  // namespace varve::kernel
