// SPDX-License-Identifier: LGPL-2.1-or-later
// One pool, from the keys of its table, wherever they were written.
#pragma once

#include "drivers/settings/mistakes.h"
#include "drivers/settings/value.h"
#include "fs/config/config.h"

#include <array>
#include <optional>
#include <string_view>

namespace varve::config {

inline constexpr std::string_view name_key = "name";
inline constexpr std::string_view driver_key = "driver";
// The directory of drivers that have one.
inline constexpr std::string_view directory_parameter = "dir_path";

// The keys that every pool has; any other is a parameter of its driver.
inline constexpr std::array<std::string_view, 8> pool_keys{name_key, driver_key, "revisions_to_keep", "schedule", "prune_below", "owner",
                                                           "group",  "mode"};
// The keys above the pools.
inline constexpr std::array<std::string_view, 7> top_level_keys{"mountpoint",  "state_dir",   "runtime_dir", "min_free",
                                                                "prune_grace", "passthrough", "pool"};

struct ReadPool {
    std::optional<base::PoolName> name;  // also of a pool with other mistakes
    std::optional<PoolConfig> config;    // absent when there were mistakes
};

// `problems_of`, unless it is empty, is asked about pools whose name and driver are no mistakes.
[[nodiscard]] ReadPool read_pool(const settings::Table& table, settings::Mistakes& mistakes, const ProblemsOf& problems_of);

}  // namespace varve::config
