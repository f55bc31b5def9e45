// SPDX-License-Identifier: LGPL-2.1-or-later
// What stat(2) says of each node.
#pragma once

#include "fs/fuse/node.h"

#include <sys/stat.h>

#include <cstdint>
#include <string_view>

namespace varve::fuse {

// st_ino: one for each path, the same after every remount (borg, restic and rsync recognise unchanged files by it). FNV-1a of the path, 64 bits.
[[nodiscard]] std::uint64_t inode_number(std::string_view path);

// NotFound when what the node stood for is gone and nobody could have it open.
[[nodiscard]] base::Result<struct stat> attributes_of(const Node& node);

// The file type bits that attributes_of would give.
[[nodiscard]] mode_t type_of(const Node& node);

}  // namespace varve::fuse
