// SPDX-License-Identifier: LGPL-2.1-or-later
// Renames of volumes and VMs: several names and records that hold together by an intent (drivers/records/intent.h).
#pragma once

#include "drivers/images/context.h"
#include "drivers/records/intent.h"

namespace varve::images {

// Exists when anything of the new name is there. What fails is undone; Degraded when that fails too, and the next recovery goes forward.
[[nodiscard]] base::Result<> rename(Context& pool, const records::Intent& intent);

// Goes forward with what a crash interrupted. Running it twice equals once.
[[nodiscard]] base::Result<> recover_rename(Context& pool);

}  // namespace varve::images
