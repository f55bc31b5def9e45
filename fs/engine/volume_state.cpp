// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/volume_state.h"

#include "fs/paths/entry_name.h"
#include "fs/protocol/names.h"

namespace varve::engine {

std::string_view name_of(VolumeState state) {
    switch (state) {
        case VolumeState::Halted: return protocol::state::halted;
        case VolumeState::Started: return protocol::state::started;
        case VolumeState::Dirty: return protocol::state::dirty;
        case VolumeState::Writing: return protocol::state::writing;
        case VolumeState::Removed: return protocol::state::removed;
        case VolumeState::Degraded: break;
    }
    return protocol::state::degraded;
}

VolumeState state_of(const api::VolumeView& view, bool written) {
    if (view.session && view.session->phase == api::Session::Phase::Started) return VolumeState::Started;
    if (!view.degraded.empty()) return VolumeState::Degraded;
    if (view.session) return VolumeState::Dirty;
    if (written) return VolumeState::Writing;
    // An origin_snapshot has no state of its own before its first stop.
    const bool may_have_none = !std::holds_alternative<api::Origin>(view.config.kind) && view.revisions.empty();
    if (api::saves_on_stop(view.config.kind) && !view.committed && !may_have_none) return VolumeState::Removed;
    return VolumeState::Halted;
}

VolumeState state_of(Vm& vm, const base::VolumeName& volume, const api::VolumeView& view) {
    return state_of(view, !view.session && vm.writes().find(paths::volume_file(volume)) != nullptr);
}

}  // namespace varve::engine
