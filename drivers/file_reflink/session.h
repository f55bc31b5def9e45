// SPDX-License-Identifier: LGPL-2.1-or-later
// Start and stop. Their cost does not depend on the number of extents, revisions or volumes; a start without precache clones.
#pragma once

#include "drivers/api/command.h"
#include "drivers/images/volume_files.h"

namespace varve::file_reflink {

[[nodiscard]] base::Result<api::VolumeView> start(images::VolumeFiles& files, const api::VolumeView& present, const api::Start& command);
// Busy while somebody has the session's image open for writing.
[[nodiscard]] base::Result<api::VolumeView> stop(images::VolumeFiles& files, const api::VolumeView& present, const api::Stop& command);
// Clones the image of a session that goes on. The file system must be able to.
[[nodiscard]] base::Result<api::VolumeView> commit(images::VolumeFiles& files, const api::VolumeView& present, const api::Commit& command);

}  // namespace varve::file_reflink
