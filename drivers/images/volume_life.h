// SPDX-License-Identifier: LGPL-2.1-or-later
// How volumes come, change their configuration, and go.
#pragma once

#include "drivers/api/command.h"
#include "drivers/images/volume_files.h"

#include <optional>

namespace varve::images {

[[nodiscard]] base::Result<api::VolumeView> create(VolumeFiles& files, const api::Create& command);
[[nodiscard]] base::Result<api::VolumeView> remove_committed(VolumeFiles& files, const api::VolumeView& present);
// Whoever has the old state open, or runs from it, keeps it as it is: a longer clone takes its place.
[[nodiscard]] base::Result<api::VolumeView> resize_committed(VolumeFiles& files, api::VolumeView view, base::Bytes size);
[[nodiscard]] base::Result<api::VolumeView> set_time(VolumeFiles& files, const api::VolumeView& present, const api::SetTime& command);
[[nodiscard]] base::Result<api::VolumeView> configure(VolumeFiles& files, const api::VolumeView& present, const api::VolumeConfig& config);

// After a removal: nullopt, with record and leftovers removed, when no state and no session is left.
[[nodiscard]] base::Result<std::optional<api::VolumeView>> forget_if_empty(VolumeFiles& files, api::VolumeView view);
[[nodiscard]] base::Result<> record_config(VolumeFiles& files, const api::VolumeConfig& config);
// Before a volume is made: what the record may still say about an earlier one of this name.
[[nodiscard]] base::Result<> forget_record(VolumeFiles& files);

}  // namespace varve::images
