// SPDX-License-Identifier: LGPL-2.1-or-later
// What is set of a volume beside its kind, size and source.
#pragma once

#include "orchestrator/mount_client/mount.h"
#include "orchestrator/mount_client/reference.h"

namespace varve::mount_client {

// Gives `to` the settings of `from` that differ.
[[nodiscard]] base::Result<> copy_settings(const Mount& mount, const base::VolumeId& from, const base::VolumeId& to);

}  // namespace varve::mount_client
