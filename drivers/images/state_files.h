// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "drivers/images/volume_files.h"

namespace varve::images {

// Exactly the object the view means, found by name and checked by identity. NotFound: it has gone or moved since the view was made.
[[nodiscard]] base::Result<base::UniqueFd> open_exactly(const VolumeFiles& files, const std::string& name, const api::Identity& identity);

// For states that cannot be opened.
[[nodiscard]] base::Failure no_committed_state(const VolumeFiles& files, const api::VolumeView& view);
[[nodiscard]] base::Result<const api::Revision*> find_revision(const VolumeFiles& files, const api::VolumeView& view,
                                                               const base::RevisionId& id);
[[nodiscard]] base::Failure no_base(const VolumeFiles& files);

}  // namespace varve::images
