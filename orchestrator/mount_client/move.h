// SPDX-License-Identifier: LGPL-2.1-or-later
// Moving volumes and VMs with all their states, within a pool and to another one.
#pragma once

#include "orchestrator/mount_client/copy_image.h"
#include "orchestrator/mount_client/mount.h"
#include "orchestrator/mount_client/move_names.h"

#include <vector>

namespace varve::mount_client {

// Within a pool a rename. To another pool:
//
//   1. Everything is copied to a VM `varve-move-XXXXXXXX` of the other pool (the X follow from both names).
//   2. That is renamed to `to`, or its volumes are, where the VM of that name is there.
//   3. The old one is renamed to `varve-moved-XXXXXXXX` of its pool: from here on nobody starts it, and it must be what was copied.
//   4. It is removed.
//
// A failure before 2 removes the copies. After a crash the same call goes on: with copies of states that are complete and still wanted; and after
// 2 it compares every byte before it goes on with 3. Before 3 all states must be at `to`. At any moment one of `from`, `to` and `varve-moved-XXXXXXXX` is complete.
//
// Errors that change nothing: Busy (started, dirty or being written; the source of something that stays; moved by another process), Exists, NotFound,
// CrossPool (its source is not in the other pool). Busy, too, when it was changed or started while it was copied: then both are there, and the
// message says so.
// Returns the new volumes.
[[nodiscard]] base::Result<std::vector<base::VolumeId>> move(const Mount& mount, const Movable& from, const Movable& to,
                                                             const CopyObserver& observer);

}  // namespace varve::mount_client
