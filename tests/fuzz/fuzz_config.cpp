// SPDX-License-Identifier: LGPL-2.1-or-later
// The configuration: any text gives a configuration or mistakes with places in it, and a pool is read back from its own table.
#include "fs/config/config.h"
#include "tests/fuzz/require.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace varve::fuzz {
namespace {

void mistakes_have_places(std::string_view text, const std::vector<config::Mistake>& mistakes) {
    const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
    require(!mistakes.empty(), "a refusal names at least one mistake");
    for (const auto& mistake : mistakes) {
        require(!mistake.what.empty(), "a mistake says what it is");
        require(mistake.line <= lines, "a mistake is on a line of the file");
    }
}

void pool_round_trip(const config::PoolConfig& pool) {
    const auto again = config::parse(config::to_toml(pool));
    require(again && again->pools.size() == 1, "a pool's table is a configuration");
    require(again->pools[0].settings.name == pool.settings.name && again->pools[0].settings.driver == pool.settings.driver &&
                again->pools[0].settings.parameters == pool.settings.parameters &&
                again->pools[0].settings.revisions_to_keep == pool.settings.revisions_to_keep &&
                again->pools[0].ownership == pool.ownership,
            "a pool is read back as it was");
}

}  // namespace
}  // namespace varve::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto parsed = varve::config::parse(text);
    if (!parsed) {
        varve::fuzz::mistakes_have_places(text, parsed.error());
        return 0;
    }
    for (const auto& pool : parsed->pools) varve::fuzz::pool_round_trip(pool);
    return 0;
}
