// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/daemon/pool_keeper.h"

#include "drivers/settings/text_file.h"
#include "fs/daemon/differences.h"
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

// What an open pool can take over; the keys that changed by that. Whether there is a snapshot layer is decided when it is opened.
std::vector<std::string> adopt_retention(engine::OpenPool& pool, const config::PoolConfig& config) {
    std::vector<std::string> changed;
    const auto keep = config.settings.revisions_to_keep;
    if (keep != pool.revisions_to_keep() && keep.no_snapshot_layer() == pool.revisions_to_keep().no_snapshot_layer()) {
        pool.set_revisions_to_keep(keep);
        changed.emplace_back("revisions_to_keep");
    }
    if (config.schedule != pool.schedule()) {
        pool.set_schedule(config.schedule);
        changed.emplace_back("schedule");
    }
    if (config.prune_below != pool.prune_below()) {
        pool.set_prune_below(config.prune_below);
        changed.emplace_back("prune_below");
    }
    return changed;
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
    TRY(catalogue_.add(TRY(engine::OpenPool::open(std::move(spec), std::move(driver)))));
    opened_as_.insert_or_assign(pool.settings.name, pool);
    return {};
}

std::vector<base::Error> PoolKeeper::open_all(const config::Config& config) {
    const std::lock_guard lock(mutex_);
    started_with_ = config;
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
    // Nothing is kept where there is no directory.
    for (const auto& file : settings::files_in(kept_, ".toml").value_or(std::vector<std::filesystem::path>())) {
        const auto kept = read_kept(file);
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

// What a restart would refuse is refused now, also of pools that are open.
Result<> PoolKeeper::check(const config::Config& config) {
    std::string all;
    for (const auto& pool : config.pools)
        if (const auto checked = registry::check_settings(pool.settings); !checked) all += "; " + checked.error().message();
    if (all.empty()) return {};
    return fail(Errc::InvalidArgument, "the configuration has mistakes, and nothing was changed" + all);
}

void PoolKeeper::Undone::add(const base::Error& error, const std::string& what) {
    if (!first) first = base::Error{error.code, {}, {}};
    first->context += what + ": " + error.message() + "; ";
}

// One that could not be opened before either, such as that of a disk which is not there, is in nobody's way.
Result<std::vector<base::PoolName>> PoolKeeper::open_new(const config::Config& config, Undone& undone) {
    std::vector<base::PoolName> opened;
    for (const auto& pool : config.pools) {
        const auto& name = pool.settings.name;
        if (catalogue_.find(name)) continue;
        auto done = open(pool);
        if (done) {
            opened.push_back(name);
            continue;
        }
        const auto what = "pool " + name.str() + " cannot be opened";
        if (configured_.contains(name)) {
            undone.add(done.error(), what);
            continue;
        }
        auto why = base::with_context(std::move(done).error(), what + ", and nothing was changed");
        for (const auto& other : opened)
            if (const auto closed = catalogue_.remove(other); !closed)
                why.context += "; but pool " + other.str() + " was opened and stays so: " + closed.error().message();
        return base::Failure(std::move(why));
    }
    return opened;
}

void PoolKeeper::adopt(const config::Config& config, control::Reloaded& done) {
    for (auto& key : differences(started_with_, config)) done.needs_restart.push_back({{}, std::move(key)});
    for (const auto& pool : config.pools) {
        const auto present = catalogue_.find(pool.settings.name);
        const auto opened = opened_as_.find(pool.settings.name);
        if (!present || opened == opened_as_.end()) continue;
        const auto name = pool.settings.name.str();
        for (auto& key : adopt_retention(*present, pool)) done.changed.push_back({name, std::move(key)});
        auto& others = present->driver().capabilities().read_only ? done.changed : done.needs_restart;  // look_again opens it
        for (auto& key : differences_when_opened(opened->second, pool)) others.push_back({name, std::move(key)});
    }
}

// What is in use stays, and is tried again by the next reload.
void PoolKeeper::close_all_but(const std::set<base::PoolName>& named, std::vector<std::string>& closed, Undone& undone) {
    auto names = named;
    for (const auto& name : configured()) {
        if (named.contains(name) || !catalogue_.find(name)) continue;
        if (const auto removed = catalogue_.remove(name); !removed) {
            undone.add(removed.error(), "pool " + name.str() + " stays open");
            names.insert(name);
        } else {
            closed.push_back(name.str());
        }
    }
    const std::lock_guard names_lock(names_mutex_);
    configured_ = std::move(names);
}

Result<control::Reloaded> PoolKeeper::reload() {
    const auto config = TRY(read_config_());
    TRY(check(config));
    const std::lock_guard lock(mutex_);
    control::Reloaded done;
    Undone undone;
    for (const auto& name : TRY(open_new(config, undone))) done.opened.push_back(name.str());
    adopt(config, done);
    std::set<base::PoolName> named;
    for (const auto& pool : config.pools) named.insert(pool.settings.name);
    close_all_but(named, done.closed, undone);
    TRY(look_again());
    if (!undone.first) return done;
    undone.first->context += "all else of the configuration is taken over";
    return base::Failure(*std::move(undone.first));
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
