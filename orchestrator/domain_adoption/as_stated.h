// SPDX-License-Identifier: LGPL-2.1-or-later
// How a domain's disks are imported. Within this folder only.
#pragma once

#include "orchestrator/mount_client/import_image.h"

namespace varve::domain_adoption {

// What a domain says is its format is; whatever its guest wrote to the beginning of the disk is content.
inline const mount_client::ImportOptions as_stated{{}, true, mount_client::Mount::Replace::No};

}  // namespace varve::domain_adoption
