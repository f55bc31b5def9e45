// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/catalogue.h"

#include <mutex>
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

Result<> Catalogue::remove(const base::PoolName& name) {
    std::shared_ptr<OpenPool> gone;  // destroyed outside the lock
    const std::lock_guard lock(mutex_);
    const auto found = pools_.find(name);
    if (found == pools_.end()) return fail(Errc::NotFound, "there is no pool " + name.str());
    for (const auto& vm : found->second->vms()) {
        if (!vm->writes().files().empty()) return fail(Errc::Busy, "a volume of " + name.str() + "/" + vm->name().str() + " is open for writing");
        for (const auto& [volume, view] : vm->view()->volumes)
            if (view->session && view->session->phase == api::Session::Phase::Started)
                return fail(Errc::Busy, name.str() + "/" + vm->name().str() + "/" + volume.str() + " is started; stop it before its pool is removed");
    }
    gone = std::move(found->second);
    pools_.erase(found);
    return {};
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
