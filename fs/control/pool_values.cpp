// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/control/pool_values.h"

#include "fs/control/control_tree.h"
#include "fs/control/json.h"
#include "fs/control/pool_tables.h"
#include "fs/control/volume_changes.h"
#include "fs/protocol/names.h"

#include <nlohmann/json.hpp>

#include <array>
#include <charconv>

namespace varve::control {
namespace {

using base::Errc;
using base::Result;
using engine::OpenPool;
using Text = Result<std::string>;

std::string config_of(const OpenPool& pool) {
    auto config = Json::object();
    for (const auto& [key, value] : pool.driver().parameters()) config[key] = value;
    return compact(config) + "\n";
}

// Until the pool is opened again, which reads the configuration. Drivers read then, too, whether there is a snapshot layer.
Result<> change_default(OpenPool& pool, std::string_view text) {
    const auto keep = TRY(parse_keep(text));
    if (keep.no_snapshot_layer() != pool.revisions_to_keep().no_snapshot_layer())
        return base::fail(Errc::InvalidArgument,
                          "whether the volumes of pool " + pool.name().str() +
                              " have a snapshot layer (revisions_to_keep -1) is decided in the configuration, before the pool is opened");
    pool.set_revisions_to_keep(keep);
    return {};
}

Result<> change_default_schedule(OpenPool& pool, std::string_view text) {
    pool.set_schedule(TRY(api::Schedule::parse(text)));
    return {};
}

// As it may stand in the configuration.
std::string text_of(const base::Portion& portion) {
    if (const auto* bytes = std::get_if<base::Bytes>(&portion)) return std::to_string(bytes->count);
    std::array<char, 32> digits{};
    const auto written = std::to_chars(digits.begin(), digits.end(), std::get<base::Percent>(portion).value);
    return std::string(digits.begin(), written.ptr) + "%";
}

constexpr std::array the_pool_values{
    PoolValue{protocol::pool_file::driver, [](const OpenPool& pool, const PoolSources&) -> Text { return pool.driver_name() + "\n"; }},
    PoolValue{protocol::pool_file::config, [](const OpenPool& pool, const PoolSources&) -> Text { return config_of(pool); }},
    PoolValue{
        protocol::pool_file::size,
        [](const OpenPool& pool, const PoolSources&) -> Text { return std::to_string(TRY(pool.driver().space()).size.count) + "\n"; }},
    PoolValue{
        protocol::pool_file::usage,
        [](const OpenPool& pool, const PoolSources&) -> Text { return std::to_string(TRY(pool.driver().space()).used.count) + "\n"; }},
    PoolValue{protocol::pool_file::included_in,
              [](const OpenPool& pool, const PoolSources& sources) -> Text {
                  const auto outer = TRY(sources.administration.included_in(pool));
                  return outer ? outer->str() + "\n" : "\n";
              }},
    PoolValue{protocol::pool_file::revisions_to_keep,
              [](const OpenPool& pool, const PoolSources&) -> Text { return std::to_string(pool.revisions_to_keep().count()) + "\n"; },
              change_default},
    PoolValue{protocol::pool_file::schedule, [](const OpenPool& pool, const PoolSources&) -> Text { return pool.schedule().str() + "\n"; },
              change_default_schedule},
    PoolValue{protocol::pool_file::prune_below,
              [](const OpenPool& pool, const PoolSources&) -> Text {
                  const auto portion = pool.prune_below();
                  return (portion ? text_of(*portion) : "none") + "\n";
              }},
    PoolValue{protocol::pool_file::volumes,
              [](const OpenPool& pool, const PoolSources& sources) -> Text { return volumes_table(sources.volumes, pool); }, nullptr, true},
    PoolValue{protocol::pool_file::revisions,
              [](const OpenPool& pool, const PoolSources& sources) -> Text { return revisions_table(sources.volumes, pool); }, nullptr,
              true},
    PoolValue{protocol::pool_file::shares,
              [](const OpenPool& pool, const PoolSources& sources) -> Text { return shares_table(sources.volumes, pool); }, nullptr, true},
};

}  // namespace

std::span<const PoolValue> pool_values() { return the_pool_values; }

}  // namespace varve::control
