// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/daemon/pool_keeper.h"

#include "drivers/settings/text_file.h"
#include "fs/daemon/included_in.h"
#include "fs/daemon/path_below.h"

#include <spdlog/spdlog.h>

#include <system_error>

namespace varve::daemon {

using base::Errc;
using base::fail;
using base::Result;

namespace {

constexpr auto file_driver = "file";
constexpr auto reflink_driver = "file-reflink";

// What an open pool can take over. Whether there is a snapshot layer is decided when it is opened.
void adopt_retention(engine::OpenPool& pool, const config::PoolConfig& config) {
    const auto keep = config.settings.revisions_to_keep;
    if (keep.no_snapshot_layer() == pool.revisions_to_keep().no_snapshot_layer()) pool.set_revisions_to_keep(keep);
    pool.set_schedule(config.schedule);
    pool.set_prune_below(config.prune_below);
}

// A pool that was added at run time.
Result<config::PoolConfig> read_kept(const std::filesystem::path& file) {
    const auto text = settings::read_text(file);
    auto kept = config::parse(text.value_or(std::string()));  // what cannot be read describes no pool
    if (!kept || kept->pools.size() != 1) return fail(Errc::Corrupt, file.string() + " does not describe one pool");
    return std::move(kept->pools.front());
}

}  // namespace

Result<> PoolKeeper::open(const config::PoolConfig& pool) {
    const auto directory = pool.settings.parameters.find("dir_path");
    if (directory != pool.settings.parameters.end() && (directory->second == mountpoint_ || path_below(directory->second, mountpoint_)))
        return fail(Errc::InvalidArgument, "pool " + pool.settings.name.str() + ": dir_path lies below the mountpoint " +
                                               mountpoint_.string() + ", so the daemon would wait for itself");
    if (catalogue_.find(pool.settings.name)) return fail(Errc::Exists, "there is a pool " + pool.settings.name.str() + " already");
    auto driver = TRY(registry::open_pool(pool.settings, environment_));
    if (const auto held = driver->lock_directory())
        if (const auto owner = catalogue_.owner_of(*held))
            return fail(Errc::Busy, held->string() + " is the storage of pool " + owner->name().str() + " already");
    engine::PoolSpec spec{pool.settings.name, pool.settings.driver, pool.settings.revisions_to_keep,
                          pool.ownership,     pool.schedule,        pool.prune_below};
    return catalogue_.add(TRY(engine::OpenPool::open(std::move(spec), std::move(driver))));
}

std::vector<base::Error> PoolKeeper::open_all(const config::Config& config) {
    const std::lock_guard lock(mutex_);
    std::vector<base::Error> failures;
    const auto try_open = [&](const config::PoolConfig& pool) {
        if (auto opened = open(pool); opened) {
            const auto& unreadable = catalogue_.find(pool.settings.name)->unreadable_vms();
            failures.insert(failures.end(), unreadable.begin(), unreadable.end());
        } else {
            failures.push_back(base::with_context(std::move(opened).error(), "pool " + pool.settings.name.str() + " is not open"));
        }
    };
    for (const auto& pool : config.pools) {
        {
            const std::lock_guard names_lock(names_mutex_);
            configured_.insert(pool.settings.name);
        }
        try_open(pool);
    }
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(kept_, none)) {
        if (entry.path().extension() != ".toml") continue;
        const auto kept = read_kept(entry.path());
        if (!kept)
            failures.push_back({Errc::Corrupt, {}, kept.error().context + "; the pool is not open"});
        else if (!configured_.contains(kept->settings.name))
            try_open(*kept);
    }
    return failures;
}

Result<> PoolKeeper::keep(const config::PoolConfig& pool) const {
    return settings::write_text(file_of(pool.settings.name), config::to_toml(pool));
}

Result<> PoolKeeper::add(const std::vector<std::string>& words) {
    const auto pool = TRY(config::pool_from_words(words));
    const std::lock_guard lock(mutex_);
    TRY(open(pool));
    if (auto kept = keep(pool); !kept) {
        (void)catalogue_.remove(pool.settings.name);  // just opened, nothing of it can be in use
        return kept;
    }
    return {};
}

Result<> PoolKeeper::remove(const std::string& name) {
    const auto pool = TRY(base::PoolName::parse(name));
    const std::lock_guard lock(mutex_);
    TRY(catalogue_.remove(pool));
    std::error_code failed;
    std::filesystem::remove(file_of(pool), failed);
    if (failed)
        return fail(Errc::Io, "pool " + name + " is closed, but " + file_of(pool).string() + " cannot be removed: " + failed.message());
    return {};
}

Result<PoolKeeper::Described> PoolKeeper::describe(const base::PoolName& name) const {
    const auto config = TRY(read_config_());
    for (const auto& pool : config.pools)
        if (pool.settings.name == name) return Described{pool, true};
    std::error_code none;
    if (!std::filesystem::exists(file_of(name), none)) return fail(Errc::NotFound, "there is no pool " + name.str());
    return Described{TRY(read_kept(file_of(name))), false};
}

Result<> PoolKeeper::convert(const std::string& name) {
    const auto pool = TRY(base::PoolName::parse(name));
    const std::lock_guard lock(mutex_);
    const auto described = TRY(describe(pool));
    const auto present = catalogue_.find(pool);
    const auto& driver = described.pool.settings.driver;
    if (described.configured && driver == file_driver)
        return fail(Errc::InvalidArgument,
                    "pool " + name + " is described in the configuration: set its driver to file-reflink there, then convert it");
    if ((driver != file_driver && driver != reflink_driver) || (present && present->driver_name() != file_driver))
        return fail(Errc::InvalidArgument, "pool " + name + " is of the driver " + (present ? present->driver_name() : driver) +
                                               " already; only a pool of the driver file can be converted");
    if (!present) return convert_closed(described);
    TRY(catalogue_.remove(pool));
    auto converted = convert_closed(described);
    if (converted) return {};
    auto again = described.pool;
    again.settings.driver = file_driver;
    again.settings.parameters.erase("setup_check");
    if (auto opened = open(again); !opened)
        return base::Failure(
            base::with_context(std::move(opened).error(), converted.error().message() + "; and it could not be opened again"));
    return converted;
}

// At any moment the directory is a pool of the driver file, so that a failure needs no undoing.
Result<> PoolKeeper::convert_closed(const Described& described) {
    auto settings = described.pool.settings;
    const auto check = settings.parameters.extract("setup_check");  // which only file-reflink knows
    settings.driver = file_driver;
    const auto directory = settings.parameters.find("dir_path");
    if (directory == settings.parameters.end()) return fail(Errc::InvalidArgument, "pool " + settings.name.str() + " has no dir_path");
    auto converted = described.pool;
    {
        const auto owner = TRY(engine::PoolOwner::acquire(settings.name, directory->second));
        converted.settings = TRY(registry::convert_pool(settings, environment_));
        if (!check.empty()) converted.settings.parameters.insert({check.key(), check.mapped()});
        // Point of no return: with the next start it is one of file-reflink.
        if (!described.configured) TRY(keep(converted));
    }
    return open(converted);
}

Result<> PoolKeeper::reload() {
    const auto config = TRY(read_config_());
    const std::lock_guard lock(mutex_);
    std::set<base::PoolName> named;
    for (const auto& pool : config.pools) {
        named.insert(pool.settings.name);
        if (const auto present = catalogue_.find(pool.settings.name))
            adopt_retention(*present, pool);
        else
            TRY(open(pool));
    }
    for (const auto& name : configured_)
        if (!named.contains(name) && catalogue_.find(name)) TRY(catalogue_.remove(name));
    {
        const std::lock_guard names_lock(names_mutex_);
        configured_ = std::move(named);
    }
    return look_again();
}

Result<> PoolKeeper::look_again() {
    for (const auto& pool : catalogue_.pools()) {
        if (!pool->driver().capabilities().read_only) continue;
        const auto described = TRY(describe(pool->name()));
        (void)TRY(registry::open_pool(described.pool.settings, environment_));  // one that cannot be opened any more stays as it was
        TRY(catalogue_.remove(pool->name()));
        TRY(open(described.pool));
    }
    return {};
}

std::vector<base::PoolName> PoolKeeper::configured() const {
    const std::lock_guard lock(names_mutex_);
    return {configured_.begin(), configured_.end()};
}

Result<std::optional<base::PoolName>> PoolKeeper::included_in(const engine::OpenPool& pool) const {
    return daemon::included_in(pool, catalogue_, mountpoint_);
}

}  // namespace varve::daemon
