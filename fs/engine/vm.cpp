// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/vm.h"

#include <utility>

namespace varve::engine {

Vm::Vm(std::shared_ptr<OpenPool> pool, base::VmName name, api::VmView view)
    : pool_(std::move(pool)), name_(std::move(name)), view_(std::make_shared<const api::VmView>(std::move(view))) {}

base::VmName Vm::name() const {
    const std::lock_guard lock(mutex_);
    return name_;
}

VmView Vm::view() const {
    const std::lock_guard lock(mutex_);
    return view_;
}

VolumeView Vm::volume(const base::VolumeName& volume) const {
    const auto now = view();
    const auto found = now->volumes.find(volume);
    return found == now->volumes.end() ? nullptr : found->second;
}

void Vm::set_name(base::VmName name) {
    const std::lock_guard lock(mutex_);
    name_ = std::move(name);
}

void Vm::set_ownership(const api::Ownership& ownership) {
    const std::lock_guard lock(mutex_);
    auto next = std::make_shared<api::VmView>(*view_);
    next->ownership = ownership;
    view_ = std::move(next);
}

VolumeView Vm::set_volume(const base::VolumeName& volume, VolumeView view) {
    const std::lock_guard lock(mutex_);
    auto next = std::make_shared<api::VmView>(*view_);
    VolumeView old;
    if (const auto found = next->volumes.find(volume); found != next->volumes.end()) {
        old = std::move(found->second);
        next->volumes.erase(found);
    }
    if (view) next->volumes.emplace(volume, std::move(view));
    view_ = std::move(next);
    return old;
}

}  // namespace varve::engine
