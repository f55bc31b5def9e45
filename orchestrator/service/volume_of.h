// SPDX-License-Identifier: LGPL-2.1-or-later
// A VM's volume by its name, as people say it.
#pragma once

#include "orchestrator/definitions/vm_definition.h"

namespace varve::service {

// Each is in one pool. NotFound.
[[nodiscard]] base::Result<base::VolumeId> volume_of(const definitions::VmDefinition& vm, const base::VolumeName& volume);

}  // namespace varve::service
