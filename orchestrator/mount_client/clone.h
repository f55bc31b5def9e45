// SPDX-License-Identifier: LGPL-2.1-or-later
// Copying volumes and whole VMs through the mount.
#pragma once

#include "orchestrator/mount_client/copy_image.h"
#include "orchestrator/mount_client/mount.h"
#include "orchestrator/mount_client/reference.h"

#include <vector>

namespace varve::mount_client {

// Makes `to` a copy of the state `from` in one transaction: shared blocks within a pool, a sparse copy across pools. With Replace::No the
// target must not exist; with Yes a committed state that is there becomes a revision. The target's VM directory must exist.
[[nodiscard]] base::Result<> clone_state(const Mount& mount, const StateReference& from, const StateReference& to, Mount::Replace replace,
                                         const CopyObserver& observer);

// Makes a VM like `from` with its committed states (no revisions), kinds, sources and settings. It is made under a name of its own
// (varve-clone-XXXXXX) and appears as `to` at the end, complete; a failure removes what was made. Exists when `to` does; CrossPool when a volume
// has a source and the pools differ. Returns the new volumes.
[[nodiscard]] base::Result<std::vector<base::VolumeId>> clone_vm(const Mount& mount, const VmReference& from, const VmReference& to,
                                                                 const CopyObserver& observer);

}  // namespace varve::mount_client
