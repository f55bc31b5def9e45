// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "drivers/images/known_states.h"
#include "drivers/images/listing.h"
#include "drivers/images/volume_files.h"

#include <optional>

namespace varve::images {

// The revisions that are images by themselves. A name of the committed image itself is a commit that was interrupted between its link and its
// rename: it is dropped.
[[nodiscard]] base::Result<api::Revisions> load_revisions(VolumeFiles& files, const Names& names, const KnownStates& known);

}  // namespace varve::images
