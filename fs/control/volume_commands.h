// SPDX-License-Identifier: LGPL-2.1-or-later
// The commands of one volume.
#pragma once

#include "drivers/base/result.h"
#include "fs/control/json.h"
#include "fs/control/verbs.h"
#include "fs/engine/volumes.h"

#include <span>

namespace varve::control {

struct VolumeCommand {
    Verb verb;
    base::Result<Json> (*run)(engine::Volumes& volumes, const engine::VolumeRef& volume,
                              Arguments arguments);  // gives the reply's `result`
};
[[nodiscard]] std::span<const VolumeCommand> volume_commands();

[[nodiscard]] base::Result<Json> start_volume(engine::Volumes& volumes, const engine::VolumeRef& volume);
[[nodiscard]] base::Result<Json> stop_volume(engine::Volumes& volumes, const engine::VolumeRef& volume);
[[nodiscard]] base::Result<Json> commit_volume(engine::Volumes& volumes, const engine::VolumeRef& volume);
[[nodiscard]] base::Result<Json> discard_volume(engine::Volumes& volumes, const engine::VolumeRef& volume);

}  // namespace varve::control
