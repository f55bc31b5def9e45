// SPDX-License-Identifier: LGPL-2.1-or-later
// What a status board said at one moment.
#pragma once

#include "fs/protocol/board.h"
#include "orchestrator/board_reader/writer_life.h"

#include <cstdint>
#include <vector>

namespace varve::board_reader {

// Texts are as they were found: others wrote them.
struct BoardSnapshot {
    protocol::BoardWriter writer;
    WriterLife life = WriterLife::Dead;
    protocol::BoardTotals totals;
    protocol::BoardGathered gathered;
    std::vector<protocol::BoardPool> pools;
    std::vector<protocol::BoardOperation> operations;  // oldest first
    std::vector<protocol::BoardVerb> verbs;
    std::vector<protocol::BoardVolume> volumes;
    std::uint64_t unreadable = 0;  // slots that were being written all the time, or when the writer died

    // How many there are that have no slot.
    [[nodiscard]] std::uint64_t more_pools() const { return more(gathered.pools, pools.size()); }
    [[nodiscard]] std::uint64_t more_operations() const { return more(totals.running, operations.size()); }
    [[nodiscard]] std::uint64_t more_verbs() const { return more(totals.verbs, verbs.size()); }
    [[nodiscard]] std::uint64_t more_volumes() const { return more(gathered.volumes, volumes.size()); }

private:
    static std::uint64_t more(std::uint64_t all, std::size_t shown) { return all > shown ? all - shown : 0; }
};

}  // namespace varve::board_reader
