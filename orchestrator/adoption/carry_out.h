// SPDX-License-Identifier: LGPL-2.1-or-later
// One step of a plan, through the mount.
#pragma once

#include "orchestrator/adoption/plan.h"
#include "orchestrator/mount_client/mount.h"

namespace varve::adoption {

// None, Skip and Conflict do nothing. A failed Create leaves no volume; of a failed Change the first parts may be done, and the next plan has the
// rest. Exists: what is to be replaced has revisions, and is left alone.
[[nodiscard]] base::Result<> carry_out(const mount_client::Mount& mount, const base::PoolName& pool, const Step& step);

}  // namespace varve::adoption
