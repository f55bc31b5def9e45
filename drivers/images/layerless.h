// SPDX-License-Identifier: LGPL-2.1-or-later
// The states that guests write themselves (revisions_to_keep = -1), so that one that was not written keeps its id through its session.
#pragma once

#include "drivers/api/view.h"

#include <map>
#include <mutex>
#include <optional>

namespace varve::images {

// In memory only: after a restart of the daemon the state counts as a new one. Thread-safe; nothing is called under its lock.
class LayerlessStates {
public:
    void remember(api::State state, base::Timestamp started);
    void forget(const api::Identity& identity);
    // The remembered state, when this object certainly has not been written since.
    [[nodiscard]] std::optional<api::State> unwritten(const api::Identity& identity, base::Bytes size, base::Timestamp modified) const;

private:
    struct Remembered {
        api::State state;
        base::Timestamp started;
    };
    mutable std::mutex mutex_;
    std::map<api::Identity, Remembered> states_;
};

}  // namespace varve::images
