// SPDX-License-Identifier: LGPL-2.1-or-later
// What the status board shows of pools and volumes, looked at all at once.
#pragma once

#include "fs/engine/catalogue.h"
#include "fs/protocol/board.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace varve::board {

// What is wrong with a volume, by POOL/VM/VOLUME.
using Troubles = std::map<std::string, std::string>;

struct Spaces {
    struct Space {
        std::optional<api::Space> space;
        std::string trouble;  // why there is none
    };
    std::map<base::PoolName, Space> by_pool;
};

// Asks the drivers: as slow as they are.
[[nodiscard]] Spaces gather_spaces(const engine::Catalogue& catalogue);

struct Gathered {
    std::vector<protocol::BoardPool> pools;      // as many as have slots
    std::vector<protocol::BoardVolume> volumes;  // the same: degraded, dirty and written ones first, then by name
    std::uint64_t all_pools = 0;
    std::uint64_t all_volumes = 0;  // that should have a slot
};

// Without any volume's lock. `closed`: pools that should be open and are not.
[[nodiscard]] Gathered gather(const engine::Catalogue& catalogue, const std::vector<base::PoolName>& closed, const Spaces& spaces,
                              const Troubles& troubles);

}  // namespace varve::board
