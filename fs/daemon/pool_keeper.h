// SPDX-License-Identifier: LGPL-2.1-or-later
// Which pools are open, and which will be after a restart.
#pragma once

#include "drivers/registry.h"
#include "fs/config/config.h"
#include "fs/control/control_tree.h"
#include "fs/engine/catalogue.h"

#include <spdlog/fwd.h>

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace varve::daemon {

// Pools come from the configuration file and, when they were added at run time, from <state_dir>/pools/<name>.toml, one file each.
// Thread-safe: administration is one at a time.
class PoolKeeper final : public control::PoolAdministration {
public:
    using ReadConfig = std::function<base::Result<config::Config>()>;

    PoolKeeper(engine::Catalogue& catalogue, const registry::Environment& environment, const std::filesystem::path& state_dir,
               std::filesystem::path mountpoint, ReadConfig read_config)
        : catalogue_(catalogue),
          environment_(environment),
          kept_(state_dir / "pools"),
          mountpoint_(std::move(mountpoint)),
          read_config_(std::move(read_config)) {}

    // Opens what the configuration and earlier additions name. A pool that cannot be opened is logged and left out: the others are needed.
    // Returns the failures.
    [[nodiscard]] std::vector<base::Error> open_all(const config::Config& config);

    [[nodiscard]] base::Result<> add(const std::vector<std::string>& words) override;
    // A pool that the configuration names comes back with the next reload or restart.
    [[nodiscard]] base::Result<> remove(const std::string& name) override;
    // Busy while a volume of the pool is started, being written, or dirty. A pool that the configuration names is converted when it says file-reflink
    // there already; the pool need not be open then.
    [[nodiscard]] base::Result<> convert(const std::string& name) override;
    // Opens pools that the configuration names by now, and closes those that it no longer does; those that are open take over what they can. Read-only
    // pools, which others change, are opened anew. With a mistake, also in what only a driver knows, and when a new pool cannot be opened, nothing is
    // changed. That a pool is in use and cannot be closed, or cannot be opened as before, is an error, too, but then the rest is done.
    [[nodiscard]] base::Result<control::Reloaded> reload() override;
    [[nodiscard]] base::Result<std::optional<base::PoolName>> included_in(const engine::OpenPool& pool) const override;
    // The pools of the configuration as it was read last, open or not. Does not wait for one that is being opened.
    [[nodiscard]] std::vector<base::PoolName> configured() const;

private:
    [[nodiscard]] base::Result<> open(const config::PoolConfig& pool);
    [[nodiscard]] base::Result<> keep(const config::PoolConfig& pool) const;
    // What the configuration or an earlier addition says of the pool.
    struct Described {
        config::PoolConfig pool;
        bool configured = false;
    };
    [[nodiscard]] base::Result<Described> describe(const base::PoolName& name) const;
    [[nodiscard]] base::Result<> look_again();
    [[nodiscard]] static base::Result<> check(const config::Config& config);
    // What a reload could not do, while it did the rest.
    struct Undone {
        std::optional<base::Error> first;  // with what all of them say
        void add(const base::Error& error, const std::string& what);
    };
    [[nodiscard]] base::Result<std::vector<base::PoolName>> open_new(const config::Config& config, Undone& undone);
    void adopt(const config::Config& config, control::Reloaded& done);
    void close_all_but(const std::set<base::PoolName>& named, std::vector<std::string>& closed, Undone& undone);
    [[nodiscard]] base::Result<> convert_closed(const Described& described);
    [[nodiscard]] std::filesystem::path file_of(const base::PoolName& name) const { return kept_ / (name.str() + ".toml"); }

    engine::Catalogue& catalogue_;
    registry::Environment environment_;
    std::filesystem::path kept_;
    std::filesystem::path mountpoint_;
    ReadConfig read_config_;
    std::mutex mutex_;
    config::Config started_with_;                             // under mutex_
    std::map<base::PoolName, config::PoolConfig> opened_as_;  // under mutex_: as each was opened last
    mutable std::mutex names_mutex_;                          // inside mutex_
    std::set<base::PoolName> configured_;                     // changed under both, read under one of them
};

}  // namespace varve::daemon
