// SPDX-License-Identifier: LGPL-2.1-or-later
// What a volume is for its users, in one word.
#pragma once

#include "fs/engine/vm.h"

#include <array>
#include <string_view>

namespace varve::engine {

enum class VolumeState {
    Halted,
    Started,
    Dirty,     // a session that neither runs nor was ended
    Writing,   // halted, and open for writing
    Removed,   // only revisions are left
    Degraded,  // what should be there is not, or cannot be used
};

inline constexpr std::array all_volume_states{VolumeState::Halted,  VolumeState::Started, VolumeState::Dirty,
                                              VolumeState::Writing, VolumeState::Removed, VolumeState::Degraded};

// The words of protocol::state.
[[nodiscard]] std::string_view name_of(VolumeState state);

// `written`: whether a transaction of the volume is open.
[[nodiscard]] VolumeState state_of(const api::VolumeView& view, bool written);
[[nodiscard]] VolumeState state_of(Vm& vm, const base::VolumeName& volume, const api::VolumeView& view);

}  // namespace varve::engine
