// SPDX-License-Identifier: LGPL-2.1-or-later
// What is done to revisions.
#pragma once

#include "drivers/api/command.h"
#include "drivers/images/volume_files.h"

namespace varve::images {

[[nodiscard]] base::Result<api::VolumeView> revert(VolumeFiles& files, const api::VolumeView& present, const api::Revert& command);
[[nodiscard]] base::Result<api::VolumeView> take_snapshot(VolumeFiles& files, const api::VolumeView& present, const base::Label& label);
[[nodiscard]] base::Result<api::VolumeView> rename_revision(VolumeFiles& files, const api::VolumeView& present,
                                                            const api::RenameRevision& command);
[[nodiscard]] base::Result<api::VolumeView> remove_revision(VolumeFiles& files, const api::VolumeView& present, const base::RevisionId& id);

}  // namespace varve::images
