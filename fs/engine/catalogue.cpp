// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/catalogue.h"

#include <chrono>
#include <mutex>
#include <system_error>
#include <utility>

namespace varve::engine {

using base::Errc;
using base::fail;
using base::Result;

Result<> Catalogue::add(std::shared_ptr<OpenPool> pool) {
    const std::lock_guard lock(mutex_);
    auto name = pool->name();
    const auto [where, added] = pools_.try_emplace(std::move(name), std::move(pool));
    if (!added) return fail(Errc::Exists, "there is a pool " + where->first.str() + " already");
    return {};
}

namespace {

Result<> unused(const OpenPool& pool) {
    for (const auto& vm : pool.vms()) {
        TRY(vm->writes().wait_closed(std::optional<base::VolumeName>{}, std::chrono::milliseconds(0)));
        for (const auto all = vm->view(); const auto& [volume, view] : all->volumes)
            if (view->session && view->session->phase == api::Session::Phase::Started)
                return fail(Errc::Busy, pool.name().str() + "/" + vm->name().str() + "/" + volume.str() +
                                            " is started; stop it before its pool is removed");
    }
    return {};
}

}  // namespace

Catalogue::~Catalogue() {
    for (const auto& [name, pool] : pools_) pool->close();
}

Result<> Catalogue::remove(const base::PoolName& name) {
    const auto pool = find(name);
    if (!pool) return fail(Errc::NotFound, "there is no pool " + name.str());
    std::vector<LockKey> everything;
    for (const auto& vm : pool->vms()) everything.push_back({vm->name(), {}});
    const auto held = TRY(pool->locks().acquire(std::move(everything), Patience(std::chrono::seconds(2))));  // nothing can start meanwhile
    TRY(unused(*pool));
    TRY(pool->driver().before_removal());
    pool->close();
    const std::lock_guard lock(mutex_);
    pools_.erase(name);
    return {};
}

std::shared_ptr<OpenPool> Catalogue::owner_of(const std::filesystem::path& directory) const {
    for (const auto& pool : pools()) {
        const auto held = pool->driver().lock_directory();
        std::error_code unknown;  // a directory that cannot be looked at is no other pool's
        if (held && std::filesystem::equivalent(*held, directory, unknown)) return pool;
    }
    return nullptr;
}

std::shared_ptr<OpenPool> Catalogue::find(const base::PoolName& name) const {
    const std::shared_lock lock(mutex_);
    const auto found = pools_.find(name);
    return found == pools_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<OpenPool>> Catalogue::pools() const {
    const std::shared_lock lock(mutex_);
    std::vector<std::shared_ptr<OpenPool>> all;
    for (const auto& [name, pool] : pools_) all.push_back(pool);
    return all;
}

}  // namespace varve::engine
