// SPDX-License-Identifier: LGPL-2.1-or-later
// Removing states, volumes and VMs.
#pragma once

#include "orchestrator/mount_client/mount.h"
#include "orchestrator/mount_client/reference.h"

#include <functional>
#include <string>

namespace varve::mount_client {

// Told the name of each thing as it goes.
using Removed = std::function<void(const std::string& name)>;

// The committed state or one revision. The revisions of a volume stay.
[[nodiscard]] base::Result<> remove_state(const Mount& mount, const StateReference& state, const Removed& removed);
// The committed state first, whose removal is refused while the volume is in use, then all revisions.
[[nodiscard]] base::Result<> remove_volume(const Mount& mount, const base::VolumeId& volume, const Removed& removed);
// All its volumes in this pool, so, and its directory. Ends at the first refusal; what has gone by then is gone.
[[nodiscard]] base::Result<> remove_vm(const Mount& mount, const VmReference& vm, const Removed& removed);
// NotEmpty while it has volumes.
[[nodiscard]] base::Result<> remove_empty_vm(const Mount& mount, const VmReference& vm, const Removed& removed);

}  // namespace varve::mount_client
