// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/find_state.h"

namespace varve::engine {

std::optional<api::StateRef> find_state(const api::VolumeView& view, const api::State& state) {
    if (view.committed && view.committed->id == state.id) return api::CommittedState{};
    if (const auto* revision = view.revisions.find(state)) return revision->id;
    return std::nullopt;
}

std::optional<api::StateRef> find_base(const api::VolumeView& view, const api::State& state) {
    if (view.session && view.session->base && view.session->base->id == state.id) return api::BaseState{};
    return std::nullopt;
}

}  // namespace varve::engine
