// SPDX-License-Identifier: LGPL-2.1-or-later
// What is in a pool, as far as its records matter.
#pragma once

#include "orchestrator/adoption/plan.h"
#include "orchestrator/mount_client/mount.h"

namespace varve::adoption {

// NotFound when there is no such pool. What vanishes meanwhile is left out.
[[nodiscard]] base::Result<PoolContents> read_contents(const mount_client::Mount& mount, const base::PoolName& pool);

}  // namespace varve::adoption
