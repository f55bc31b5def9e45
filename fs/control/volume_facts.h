// SPDX-License-Identifier: LGPL-2.1-or-later
// What there is to say of a volume, whichever file says it.
#pragma once

#include "fs/control/json.h"
#include "fs/engine/volumes.h"

#include <string>
#include <string_view>
#include <vector>

namespace varve::control {

// "../fedora/root.img" or "../fedora/root.img@<revision>"; empty for kinds without a source.
[[nodiscard]] std::string source_text(const api::VolumeConfig& config);
// Of the session, the committed state, or what a start would give.
[[nodiscard]] base::Bytes present_size(const engine::Volumes& volumes, const engine::VolumeRef& volume, const api::VolumeView& view);
// Bytes allocated, all states and the session together.
[[nodiscard]] base::Bytes usage_of(const engine::VolumeRef& volume, const api::VolumeView& view);

// Its own, else the pool's.
[[nodiscard]] api::RevisionsToKeep keep_of(const engine::VolumeRef& volume, const api::VolumeView& view);
[[nodiscard]] api::Schedule schedule_of(const engine::VolumeRef& volume, const api::VolumeView& view);

// What is in `config`.
[[nodiscard]] Json config_object(const engine::VolumeRef& volume, const api::VolumeView& view);
// A line of `revisions` for each, oldest state first.
[[nodiscard]] std::vector<Json> revision_objects(const engine::Volumes& volumes, const engine::VolumeRef& volume,
                                                 const api::VolumeView& view);

struct StateShare {
    std::string_view state;  // "committed", "base" or "revision"
    std::string revision;    // its name; empty for the others
    base::Bytes exclusive;
};
// What each state holds alone. What is removed meanwhile is left out.
[[nodiscard]] base::Result<std::vector<StateShare>> shares_of(const engine::Volumes& volumes, const engine::VolumeRef& volume,
                                                              const api::VolumeView& view);
// A line of `shares`.
[[nodiscard]] Json share_object(const StateShare& share);

}  // namespace varve::control
