// SPDX-License-Identifier: LGPL-2.1-or-later
// A labelled revision becomes one that is called by its time, as all are that nobody named.
#pragma once

#include "orchestrator/mount_client/copy_image.h"
#include "orchestrator/mount_client/mount.h"
#include "orchestrator/mount_client/reference.h"

namespace varve::mount_client {

// Its new name. The state is restored under its time first, in one step, and the one with the label removed last: a crash in between leaves both. What
// fails or is interrupted leaves the label. Busy while a snapshot is fixed to it.
[[nodiscard]] base::Result<StateReference> unpin(const Mount& mount, const StateReference& labelled, const CopyObserver& observer);

}  // namespace varve::mount_client
