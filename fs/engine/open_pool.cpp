// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/open_pool.h"

#include <algorithm>
#include <mutex>
#include <utility>

namespace varve::engine {

OpenPool::OpenPool(PoolSpec spec, std::unique_ptr<api::Pool> driver, PoolOwner owner)
    : name_(std::move(spec.name)),
      driver_name_(std::move(spec.driver)),
      ownership_(spec.ownership),
      opened_(base::SystemClock().now()),
      owner_(std::move(owner)),
      driver_(std::move(driver)),
      revisions_to_keep_(spec.revisions_to_keep),
      schedule_(spec.schedule),
      prune_below_(spec.prune_below) {}

base::Result<std::shared_ptr<OpenPool>> OpenPool::open(PoolSpec spec, std::unique_ptr<api::Pool> driver) {
    auto owner = TRY(PoolOwner::acquire(spec.name, driver->lock_directory()));
    const std::shared_ptr<OpenPool> pool(new OpenPool(std::move(spec), std::move(driver), std::move(owner)));
    TRY(pool->load());
    return pool;
}

base::Result<> OpenPool::load() {
    TRY(driver_->recover());
    for (const auto& name : TRY(driver_->list_vms())) {
        auto view = driver_->load_vm(name);
        if (!view) {
            unreadable_vms_.push_back(
                base::with_context(std::move(view).error(), "VM " + name_.str() + "/" + name.str() + " is not shown"));
            continue;
        }
        for (const auto& [volume, config] : view->volumes)
            if (const auto* source = api::source_of(config->config.kind)) sources_.set({name, volume}, *source);
        vms_.emplace(name, std::make_shared<Vm>(shared_from_this(), name, *std::move(view)));
    }
    return {};
}

void OpenPool::close() {
    std::map<base::VmName, VmPtr> gone;  // destroyed outside the lock
    const std::lock_guard lock(mutex_);
    gone.swap(vms_);
    owner_.reset();
}

api::RevisionsToKeep OpenPool::revisions_to_keep() const {
    const std::shared_lock lock(mutex_);
    return revisions_to_keep_;
}

void OpenPool::set_revisions_to_keep(api::RevisionsToKeep keep) {
    const std::lock_guard lock(mutex_);
    revisions_to_keep_ = keep;
}

api::Schedule OpenPool::schedule() const {
    const std::shared_lock lock(mutex_);
    return schedule_;
}

void OpenPool::set_schedule(const api::Schedule& schedule) {
    const std::lock_guard lock(mutex_);
    schedule_ = schedule;
}

std::optional<base::Portion> OpenPool::prune_below() const {
    const std::shared_lock lock(mutex_);
    return prune_below_;
}

void OpenPool::set_prune_below(const std::optional<base::Portion>& portion) {
    const std::lock_guard lock(mutex_);
    prune_below_ = portion;
}

VmPtr OpenPool::find(const base::VmName& name) const {
    const std::shared_lock lock(mutex_);
    const auto found = vms_.find(name);
    return found == vms_.end() ? nullptr : found->second;
}

std::vector<VmPtr> OpenPool::vms() const {
    const std::shared_lock lock(mutex_);
    std::vector<VmPtr> all;
    all.reserve(vms_.size());
    for (const auto& [name, vm] : vms_) all.push_back(vm);
    return all;
}

void OpenPool::add(VmPtr vm) {
    const std::lock_guard lock(mutex_);
    auto name = vm->name();
    vms_.insert_or_assign(std::move(name), std::move(vm));
}

void OpenPool::remove(const base::VmName& name) {
    const std::lock_guard lock(mutex_);
    vms_.erase(name);
}

void OpenPool::rename(const base::VmName& from, const base::VmName& to) {
    const std::lock_guard lock(mutex_);
    auto node = vms_.extract(from);
    if (node.empty()) return;
    node.key() = to;
    node.mapped()->set_name(to);
    vms_.insert(std::move(node));
}

}  // namespace varve::engine
