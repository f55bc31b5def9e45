// SPDX-License-Identifier: LGPL-2.1-or-later
// The configuration file, checked (docs/man/varve.toml.5.md has every key).
#pragma once

#include "drivers/api/view.h"
#include "drivers/base/result.h"
#include "drivers/base/units.h"
#include "drivers/registry.h"
#include "drivers/settings/mistakes.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varve::config {

struct PoolConfig {
    registry::PoolSettings settings;
    api::Ownership ownership;  // of new VM directories
    api::Schedule schedule{};
    std::optional<base::Portion> prune_below{};  // of free space
};

struct Config {
    std::filesystem::path mountpoint = "/varve";
    std::filesystem::path state_dir = "/var/lib/varve";
    std::filesystem::path runtime_dir = "/run/varve";
    base::Portion min_free = base::Percent{5};
    std::chrono::seconds prune_grace = std::chrono::hours(24);
    bool passthrough = true;  // whether the kernel reads images itself, where it can
    std::vector<PoolConfig> pools;
};

using settings::Mistake;

// The configuration, or every mistake found in it. `text` is TOML 1.0.
[[nodiscard]] tl::expected<Config, std::vector<Mistake>> parse(std::string_view text);

// Also what is wrong with the pools' drivers and their parameters, as `problems_of` (registry::problems_of) tells; an empty one is not asked.
using ProblemsOf = std::function<std::vector<registry::Problem>(const registry::PoolSettings&)>;
[[nodiscard]] tl::expected<Config, std::vector<Mistake>> parse_and_check(std::string_view text, const ProblemsOf& problems_of);

// One pool from words, as `pool-add` gets it: NAME DRIVER KEY=VALUE... with the keys of a [[pool]] table.
[[nodiscard]] base::Result<PoolConfig> pool_from_words(const std::vector<std::string>& words);

// The [[pool]] table that parse() reads back as `pool`.
[[nodiscard]] std::string to_toml(const PoolConfig& pool);

}  // namespace varve::config
