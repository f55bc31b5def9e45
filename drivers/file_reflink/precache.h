// SPDX-License-Identifier: LGPL-2.1-or-later
// The clone of the committed state that makes the next start one rename.
#pragma once

#include "drivers/api/pool.h"
#include "drivers/images/volume_files.h"

namespace varve::file_reflink {

// Clones without the volume's lock, and keeps the clone only when the volume is still `present` under it.
[[nodiscard]] base::Result<> build_precache(images::VolumeFiles& files, const api::VolumeView& present,
                                            const api::Pool::LockIfCurrent& lock_if_current);

// Whether the precache there is agrees with the committed state in size and time; false when there is none.
[[nodiscard]] base::Result<bool> precache_is_valid(const images::VolumeFiles& files, const kernel::FileStatus& committed);

// Removes one that does not agree. A commit takes the precache away before it renames, and syncs the directory once, after both: a crash in between
// may have kept the rename alone.
[[nodiscard]] base::Result<> ensure_no_stale_precache(images::VolumeFiles& files);

}  // namespace varve::file_reflink
