// SPDX-License-Identifier: LGPL-2.1-or-later
// Starting, committing and stopping.
#pragma once

#include "drivers/lvm_thin/context.h"

namespace varve::lvm_thin {

// Degraded when the thin pool takes no writes, NoSpace when it is nearly full: a guest would get I/O errors.
[[nodiscard]] base::Result<> check_watermarks(const Context& pool);

[[nodiscard]] base::Result<> start_session(Context& pool, const base::VolumePath& path, const RecordId& volume, const api::Start& start);
[[nodiscard]] base::Result<> commit_session(Context& pool, const base::VolumePath& path, const RecordId& volume, const api::Commit& commit);
[[nodiscard]] base::Result<> stop_session(Context& pool, const base::VolumePath& path, const RecordId& volume, const api::Stop& stop);

}  // namespace varve::lvm_thin
