// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/config/config.h"

#include "drivers/settings/mistakes.h"
#include "drivers/settings/scalars.h"
#include "drivers/settings/text.h"
#include "drivers/settings/toml_document.h"
#include "fs/config/pool_table.h"

#include <algorithm>

namespace varve::config {
namespace {

using settings::Entry;
using settings::Mistakes;
using settings::quote;
using settings::Table;

bool is_one_of(std::string_view key, std::span<const std::string_view> keys) { return std::ranges::find(keys, key) != keys.end(); }

std::string unknown_key(std::string_view key) {
    const std::string unknown = "unknown key " + quote(key);
    if (is_one_of(key, pool_keys) || key == directory_parameter) return unknown + ": it belongs to a pool, below a [[pool]] line";
    if (const auto meant = settings::closest(key, top_level_keys); !meant.empty())
        return unknown + ": did you mean '" + std::string(meant) + "'?";
    std::string known;
    for (const auto each : top_level_keys) known += (known.empty() ? "'" : ", '") + std::string(each) + "'";
    return unknown + ": expected one of " + known;
}

bool is_empty_list(const settings::Value& value) {
    const auto* texts = std::get_if<settings::Texts>(&value);
    return texts != nullptr && texts->empty();
}

void read_top_level(const Entry& entry, Config& config, Mistakes& mistakes) {
    const auto read = [&](auto& target, auto result) {
        if (auto value = mistakes.check(entry.line, entry.key, std::move(result))) target = *std::move(value);
    };
    if (entry.key == "mountpoint")
        read(config.mountpoint, settings::absolute_path(entry.value));
    else if (entry.key == "state_dir")
        read(config.state_dir, settings::absolute_path(entry.value));
    else if (entry.key == "runtime_dir")
        read(config.runtime_dir, settings::absolute_path(entry.value));
    else if (entry.key == "min_free")
        read(config.min_free, settings::minimum_free(entry.value));
    else if (entry.key == "prune_grace")
        read(config.prune_grace, settings::duration(entry.value));
    else if (entry.key == "passthrough")
        read(config.passthrough, settings::yes_or_no(entry.value));
    else if (entry.key == "pool" && is_empty_list(entry.value))
        return;
    else if (entry.key == "pool")
        mistakes.add(entry.line, "pool: expected tables, each below a line [[pool]], not " + settings::describe(entry.value));
    else
        mistakes.add(entry.line, unknown_key(entry.key));
}

// Tables below lines [[pool]], and all else as entries.
struct Document {
    Table top;
    std::vector<Table> pools;
};

Document document_of(Table table) {
    Document document;
    std::vector<Table> others;
    for (auto& inner : table.tables) (inner.listed && inner.name == "pool" ? document.pools : others).push_back(std::move(inner));
    for (auto& pool : document.pools) pool = settings::flat(std::move(pool));
    table.tables = std::move(others);
    document.top = settings::flat(std::move(table));
    return document;
}

bool is_below(const std::filesystem::path& path, const std::filesystem::path& directory) {
    // A final slash would be a component of its own.
    const auto inner = (path / "").lexically_normal();
    const auto outer = (directory / "").lexically_normal();
    return inner.native().starts_with(outer.native());
}

// What varvefs keeps open cannot lie below its own mount: it would wait for itself.
void check_places(const Config& config, const Document& document, const std::vector<std::size_t>& lines, Mistakes& mistakes) {
    const auto below = [&](const std::filesystem::path& path) { return is_below(path, config.mountpoint); };
    const std::string reason = " is below the mountpoint " + quote(config.mountpoint.native());
    if (is_below("/", config.mountpoint))
        return mistakes.add(document.top.line_of("mountpoint"), "mountpoint: the root of the machine cannot be it");
    const auto check = [&](const char* key, const std::filesystem::path& path) {
        if (!below(path)) return;
        const auto line = document.top.line_of(key);
        mistakes.add(line != 0 ? line : document.top.line_of("mountpoint"), std::string(key) + ": " + quote(path.native()) + reason);
    };
    check("state_dir", config.state_dir);
    check("runtime_dir", config.runtime_dir);
    for (std::size_t i = 0; i < config.pools.size(); ++i) {
        const auto& parameters = config.pools[i].settings.parameters;
        const auto directory = parameters.find(std::string(directory_parameter));
        if (directory != parameters.end() && below(directory->second))
            mistakes.add(lines[i], std::string(directory_parameter) + ": " + quote(directory->second) + reason);
    }
}

}  // namespace

tl::expected<Config, std::vector<Mistake>> parse(std::string_view text) { return parse_and_check(text, {}); }

tl::expected<Config, std::vector<Mistake>> parse_and_check(std::string_view text, const ProblemsOf& problems_of) {
    auto toml = settings::read_toml(text);
    if (!toml) return tl::unexpected(std::vector{toml.error()});
    const auto document = document_of(*std::move(toml));
    Config config;
    Mistakes mistakes;
    for (const auto& entry : document.top.entries) read_top_level(entry, config, mistakes);

    std::map<base::PoolName, std::size_t> name_lines;
    std::vector<std::size_t> directory_lines;
    for (const auto& table : document.pools) {
        auto pool = read_pool(table, mistakes, problems_of);
        if (pool.name) {
            const auto [first, added] = name_lines.emplace(*pool.name, table.line_of(name_key));
            if (!added)
                mistakes.add(table.line_of(name_key),
                             "name: the pool in line " + std::to_string(first->second) + " is called '" + pool.name->str() + "' too");
        }
        if (!pool.config) continue;
        config.pools.push_back(*std::move(pool.config));
        directory_lines.push_back(table.line_of(directory_parameter));
    }
    check_places(config, document, directory_lines, mistakes);
    if (!mistakes.none()) return tl::unexpected(mistakes.take());
    return config;
}

}  // namespace varve::config
