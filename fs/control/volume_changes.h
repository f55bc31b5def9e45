// SPDX-License-Identifier: LGPL-2.1-or-later
// Changes of a volume's configuration, from text that somebody wrote.
#pragma once

#include "drivers/base/result.h"
#include "fs/control/verbs.h"
#include "fs/engine/volumes.h"

#include <string_view>

namespace varve::control {

// -1, 0 or more; InvalidArgument for anything else.
[[nodiscard]] base::Result<api::RevisionsToKeep> parse_keep(std::string_view text);
// A source that a volume may have; InvalidArgument for the volume itself.
[[nodiscard]] base::Result<api::Source> parse_source(std::string_view text, const engine::VolumeRef& volume);

[[nodiscard]] base::Result<> change_source(engine::Volumes& volumes, const engine::VolumeRef& volume, std::string_view text);
[[nodiscard]] base::Result<> change_rw(engine::Volumes& volumes, const engine::VolumeRef& volume, std::string_view text);
[[nodiscard]] base::Result<> change_keep(engine::Volumes& volumes, const engine::VolumeRef& volume, std::string_view text);
// An empty text: the pool's schedule holds again.
[[nodiscard]] base::Result<> change_schedule(engine::Volumes& volumes, const engine::VolumeRef& volume, std::string_view text);
[[nodiscard]] base::Result<> change_ephemeral(engine::Volumes& volumes, const engine::VolumeRef& volume, std::string_view text);

// Settings as words of a command, each at most once: rw=, ephemeral=, revisions_to_keep=, schedule=, with the values of the files so named. One change that
// makes all of them, or none; InvalidArgument, naming the setting, for what is wrong in itself.
[[nodiscard]] base::Result<engine::Volumes::ConfigChange> parse_settings(Arguments words);

}  // namespace varve::control
