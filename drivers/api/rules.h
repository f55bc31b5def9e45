// SPDX-License-Identifier: LGPL-2.1-or-later
// The rules that hold for every driver: what a command needs of the volume before any driver looks at it.
#pragma once

#include "drivers/api/capabilities.h"
#include "drivers/api/command.h"

namespace varve::api {

// Pure. Success, or the reason why `command` may not run on `present` (nullptr: the volume does not exist). Rules that need other volumes
// (who is whose source) are the engine's.
[[nodiscard]] base::Result<> check(const base::VolumePath& volume, const VolumeView* present, const Command& command,
                                   const Capabilities& capabilities);

}  // namespace varve::api
