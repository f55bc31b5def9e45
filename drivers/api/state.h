// SPDX-License-Identifier: LGPL-2.1-or-later
// One state of a volume: its committed one, a revision, or what a session started from.
#pragma once

#include "drivers/base/timestamp.h"
#include "drivers/base/units.h"

#include <atomic>
#include <compare>
#include <cstdint>

namespace varve::api {

// Names one state for as long as the process lives. A state keeps its id when it moves: committed -> revision on commit,
// revision -> committed on revert, through every rename. Never reused.
struct StateId {
    std::uint64_t value = 0;
    friend auto operator<=>(StateId, StateId) = default;
};

// Hands out state ids; one for all pools of a process. Thread-safe.
class StateIds {
public:
    [[nodiscard]] StateId next() { return {next_.fetch_add(1, std::memory_order_relaxed)}; }

private:
    std::atomic<std::uint64_t> next_{1};
};

// What tells one backing object from another: device and inode number, or the driver's equivalent.
struct Identity {
    std::uint64_t device = 0;
    std::uint64_t object = 0;
    friend auto operator<=>(const Identity&, const Identity&) = default;
};

struct State {
    StateId id;
    Identity identity;
    base::Bytes size;          // whole sectors
    base::Bytes allocated;     // on disk, sparse-aware, counting shared extents fully
    base::Timestamp modified;  // the state's time
    base::Timestamp changed;   // when the path that shows it last changed state: a synthetic st_ctime, stable over restarts
    friend bool operator==(const State&, const State&) = default;
};

}  // namespace varve::api
