// SPDX-License-Identifier: LGPL-2.1-or-later
// Where a move to another pool keeps what is not there yet, and what is no longer there. The names follow from what is moved, so that the same move
// finds them again after a crash.
#pragma once

#include "orchestrator/mount_client/reference.h"

#include <variant>

namespace varve::mount_client {

using Movable = std::variant<VmReference, base::VolumeId>;

[[nodiscard]] VmReference vm_of(const Movable& what);
[[nodiscard]] std::string to_string(const Movable& what);

struct MoveNames {
    VmReference arriving;  // in the other pool
    VmReference leaving;   // in the old one
};

[[nodiscard]] MoveNames names_of_move(const Movable& from, const Movable& to);

}  // namespace varve::mount_client
