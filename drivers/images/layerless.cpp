// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/images/layerless.h"

#include <utility>

namespace varve::images {

void LayerlessStates::remember(api::State state, base::Timestamp started) {
    const std::lock_guard lock(mutex_);
    const auto identity = state.identity;
    states_.insert_or_assign(identity, Remembered{std::move(state), started});
}

void LayerlessStates::forget(const api::Identity& identity) {
    const std::lock_guard lock(mutex_);
    states_.erase(identity);
}

std::optional<api::State> LayerlessStates::unwritten(const api::Identity& identity, base::Bytes size, base::Timestamp modified) const {
    // A write within the tick of the state's own time would leave that time as it is.
    constexpr std::int64_t longer_than_any_tick = 2;
    const std::lock_guard lock(mutex_);
    const auto found = states_.find(identity);
    if (found == states_.end()) return {};
    const auto& [state, started] = found->second;
    const bool tells = modified.seconds + longer_than_any_tick < started.seconds;
    return tells && state.size == size && state.modified == modified ? std::optional(state) : std::nullopt;
}

}  // namespace varve::images
