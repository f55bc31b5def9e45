// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/qubes_xml/pool_choice.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

namespace varve::qubes_xml {
namespace {

using base::Errc;
using base::fail;
using base::Result;

std::string names_of(const std::vector<PoolElement>& pools) {
    std::string names;
    for (const auto& pool : pools) names.append(names.empty() ? "" : ", ").append(pool.name);
    return names.empty() ? "none" : names;
}

std::string value_of(const Attributes& attributes, std::string_view name) {
    const auto found = attributes.find(name);
    return found == attributes.end() ? std::string() : found->second;
}

std::string normal(const std::string& path) {
    auto text = std::filesystem::path(path).lexically_normal().string();
    if (text.size() > 1 && text.ends_with('/')) text.pop_back();
    return text;
}

bool same_place(const PoolElement& pool, const PoolPlace& place) {
    const auto both = [&](std::string_view name) { return std::pair(value_of(pool.attributes, name), value_of(place.parameters, name)); };
    if (const auto [theirs, ours] = both("dir_path"); !theirs.empty() && !ours.empty()) return normal(theirs) == normal(ours);
    const auto [their_group, our_group] = both("volume_group");
    const auto [their_pool, our_pool] = both("thin_pool");
    return !our_group.empty() && their_group == our_group && their_pool == our_pool;
}

// The drivers that read each other's images.
bool same_way(std::string_view theirs, std::string_view ours) {
    constexpr std::array<std::string_view, 2> files{"file", "file-reflink"};
    const auto is_file = [&](std::string_view driver) { return std::ranges::find(files, driver) != files.end(); };
    return theirs == ours || (is_file(theirs) && is_file(ours));
}

}  // namespace

Result<> check_pool(const Document& document, const std::string& name) {
    if (std::ranges::find(document.pools, name, &PoolElement::name) != document.pools.end()) return {};
    return fail(Errc::NotFound, "qubes.xml has no pool '" + name + "'; there are: " + names_of(document.pools));
}

Result<std::string> choose_pool(const Document& document, const PoolPlace& place) {
    std::vector<PoolElement> there;
    std::ranges::copy_if(document.pools, std::back_inserter(there), [&](const PoolElement& pool) { return same_place(pool, place); });
    if (there.size() == 1) return there.front().name;
    if (there.size() > 1)
        return fail(Errc::InvalidArgument, "several pools of qubes.xml lie where the pool " + place.name + " does: " + names_of(there) +
                                               "; say which with --qubes-pool");
    const auto named = std::ranges::find_if(
        document.pools, [&](const PoolElement& pool) { return pool.name == place.name && same_way(pool.driver, place.driver); });
    if (named != document.pools.end()) return named->name;
    return fail(Errc::NotFound, "no pool of qubes.xml lies where the pool " + place.name + " does, and none is called so; there are: " +
                                    names_of(document.pools) + "; say which with --qubes-pool");
}

}  // namespace varve::qubes_xml
