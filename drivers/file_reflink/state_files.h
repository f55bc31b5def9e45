// SPDX-License-Identifier: LGPL-2.1-or-later
// From a state of a view to its open file.
#pragma once

#include "drivers/api/pool.h"
#include "drivers/images/volume_files.h"

namespace varve::file_reflink {

// Where the base of a running session is: a snapshot's own committed name, as in Qubes.
[[nodiscard]] std::string base_name(const images::VolumeFiles& files, const api::Kind& kind);

// Exactly the object the view means. NotFound: there is no such state, or it has gone or moved since the view was made. Busy: the guest is
// writing it (no snapshot layer).
[[nodiscard]] base::Result<base::UniqueFd> open_state(const images::VolumeFiles& files, const api::VolumeView& view,
                                                      const api::StateRef& state);

}  // namespace varve::file_reflink
