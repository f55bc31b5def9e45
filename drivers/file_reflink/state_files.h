// SPDX-License-Identifier: LGPL-2.1-or-later
// From a state of a view to its open file.
#pragma once

#include "drivers/api/pool.h"
#include "drivers/file_reflink/volume_files.h"

namespace varve::file_reflink {

// Exactly the object the view means, found by name and checked by identity. NotFound: there is no such state, or it has gone or moved since
// the view was made. Busy: the guest is writing it (no snapshot layer).
[[nodiscard]] base::Result<base::UniqueFd> open_state(const VolumeFiles& files, const api::VolumeView& view, const api::StateRef& state);

}  // namespace varve::file_reflink
