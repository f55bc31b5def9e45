// SPDX-License-Identifier: LGPL-2.1-or-later
// The pool that a node lies in.
#pragma once

#include "fs/fuse/node.h"

namespace varve::fuse {

// nullptr for what belongs to no pool. Valid as long as the node is.
[[nodiscard]] engine::OpenPool* pool_of(const Node& node);

}  // namespace varve::fuse
