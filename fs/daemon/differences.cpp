// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/daemon/differences.h"

#include <set>

namespace varve::daemon {
namespace {

class Keys {
public:
    void add_if(bool differs, std::string_view key) {
        if (differs) keys_.emplace_back(key);
    }
    [[nodiscard]] std::vector<std::string> take() { return std::move(keys_); }

private:
    std::vector<std::string> keys_;
};

// Of the driver's own keys, also those that only one of the two has.
void add_parameters(const registry::PoolSettings& opened, const registry::PoolSettings& wanted, Keys& keys) {
    std::set<std::string> all;
    for (const auto* settings : {&opened, &wanted})
        for (const auto& [key, value] : settings->parameters) all.insert(key);
    const auto value = [](const registry::PoolSettings& settings, const std::string& key) {
        const auto found = settings.parameters.find(key);
        return found == settings.parameters.end() ? std::nullopt : std::optional(found->second);
    };
    for (const auto& key : all) keys.add_if(value(opened, key) != value(wanted, key), key);
}

}  // namespace

std::vector<std::string> differences(const config::Config& in_force, const config::Config& wanted) {
    Keys keys;
    keys.add_if(in_force.mountpoint != wanted.mountpoint, "mountpoint");
    keys.add_if(in_force.state_dir != wanted.state_dir, "state_dir");
    keys.add_if(in_force.runtime_dir != wanted.runtime_dir, "runtime_dir");
    keys.add_if(in_force.min_free != wanted.min_free, "min_free");
    keys.add_if(in_force.prune_grace != wanted.prune_grace, "prune_grace");
    keys.add_if(in_force.passthrough != wanted.passthrough, "passthrough");
    return keys.take();
}

std::vector<std::string> differences_when_opened(const config::PoolConfig& opened, const config::PoolConfig& wanted) {
    Keys keys;
    keys.add_if(opened.settings.driver != wanted.settings.driver, "driver");
    add_parameters(opened.settings, wanted.settings, keys);
    keys.add_if(opened.settings.revisions_to_keep.no_snapshot_layer() != wanted.settings.revisions_to_keep.no_snapshot_layer(),
                "revisions_to_keep");
    keys.add_if(opened.ownership.uid != wanted.ownership.uid, "owner");
    keys.add_if(opened.ownership.gid != wanted.ownership.gid, "group");
    keys.add_if(opened.ownership.mode != wanted.ownership.mode, "mode");
    return keys.take();
}

}  // namespace varve::daemon
