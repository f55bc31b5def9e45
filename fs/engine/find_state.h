// SPDX-License-Identifier: LGPL-2.1-or-later
// Where a state is that a reader found earlier: the committed one may be a revision by now.
#pragma once

#include "drivers/api/pool.h"

#include <optional>

namespace varve::engine {

// As the committed state or a revision; nullopt when the volume has it no more.
[[nodiscard]] std::optional<api::StateRef> find_state(const api::VolumeView& view, const api::State& state);
// As what the present session started from.
[[nodiscard]] std::optional<api::StateRef> find_base(const api::VolumeView& view, const api::State& state);

}  // namespace varve::engine
