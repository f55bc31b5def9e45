// SPDX-License-Identifier: LGPL-2.1-or-later
// What is on disk, as views. Linear in the entries of the VM's directory.
#pragma once

#include "drivers/images/volume_files.h"

#include <optional>

namespace varve::images {

// The whole VM; before that the sweep: temporaries that nobody has open for writing, bases without a session, revisions that are the committed
// state itself, and records of origins that have no state. Corrupt, and nothing is touched, when the record cannot be read.
[[nodiscard]] base::Result<api::VmView> load_vm(Context& pool, const VmDirectory& vm);

// One volume, without the sweep of temporaries. States that are in `known` keep their ids. nullopt: there is nothing of it.
[[nodiscard]] base::Result<std::optional<api::VolumeView>> load_volume(Context& pool, const VmDirectory& vm, const base::VolumeName& volume,
                                                                       const api::VolumeView* known);

}  // namespace varve::images
