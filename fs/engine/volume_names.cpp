// SPDX-License-Identifier: LGPL-2.1-or-later
// Volumes: what has to do with names, of volumes and of VMs.
#include "fs/engine/volumes.h"

#include "fs/engine/device_owner.h"
#include "fs/paths/entry_name.h"

#include <utility>

namespace varve::engine {

using base::Errc;
using base::fail;
using base::Result;

namespace {

Result<> all_halted(const Vm& vm, std::string_view cannot) {
    for (const auto all = vm.view(); const auto& [name, view] : all->volumes)
        if (view->session)
            return fail(Errc::Busy,
                        vm.name().str() + " " + std::string(cannot) + " while its volume " + name.str() + " is started or dirty");
    return {};
}

}  // namespace

void Volumes::adopt_children(OpenPool& pool, const std::vector<base::VolumePath>& children,
                             const std::function<void(api::Source&)>& change) {
    for (const auto& path : children) {
        const auto vm = pool.find(path.vm);
        const auto view = vm ? vm->volume(path.volume) : nullptr;
        if (!view) continue;
        auto next = std::make_shared<api::VolumeView>(*view);
        std::visit(
            [&](auto& kind) {
                if constexpr (requires { kind.source; }) change(kind.source);
            },
            next->config.kind);
        pool.sources().set(path, *api::source_of(next->config.kind));
        vm->set_volume(path.volume, next);
        listener_.volume_changed(*vm, path.volume, view.get(), next.get());
    }
}

Result<> Volumes::rename(const VolumeRef& from, const VolumeRef& to) {
    auto& pool = from.vm->pool();
    if (&pool != &to.vm->pool()) return fail(Errc::CrossPool, "a volume is renamed within its pool; to move it to another pool, copy it");
    TRY(from.vm->writes().wait_closed(from.volume, patience()));
    const auto old_path = from.path();
    std::vector<LockKey> keys{{old_path.vm, from.volume}, {to.vm->name(), to.volume}};
    const auto children = pool.sources().children_of(old_path);
    for (const auto& child : children) keys.push_back({child.vm, child.volume});
    const auto held = TRY(pool.locks().acquire(std::move(keys), patience()));
    TRY(still_there(*from.vm, old_path.vm));
    if (from.vm != to.vm) TRY(still_there(*to.vm, to.vm->name()));
    if (pool.sources().children_of(old_path) != children)
        return fail(Errc::Busy, "the snapshots of " + old_path.str() + " are just changing");
    const auto view = from.view();
    if (!view) return fail(Errc::NotFound, "there is no volume " + from.path().str());
    if (to.view() || to.vm->writes().find(paths::volume_file(to.volume))) return fail(Errc::Exists, to.path().str() + " exists already");
    if (view->session) return fail(Errc::Busy, from.path().str() + " cannot be renamed while it is started or dirty");
    if (from.vm->writes().find(paths::volume_file(from.volume)))
        return fail(Errc::Busy, from.path().str() + " cannot be renamed while it is open for writing");

    const auto running = operations_.begin("rename", pool.name(), old_path.vm, from.volume, to.path().str());
    TRY(running->checked(pool.driver().rename_volume(old_path, to.path(), *view, children)));
    auto moved = *view;
    publish_view(held, from, std::nullopt);
    publish_view(held, to, std::move(moved));
    adopt_children(pool, children, [&](api::Source& source) { source.volume = to.path(); });
    running->done();
    return {};
}

Result<VmPtr> Volumes::make_vm(OpenPool& pool, const base::VmName& name, mode_t mode) {
    const auto held = TRY(pool.locks().acquire({{name, {}}}, patience()));
    if (pool.find(name)) return fail(Errc::Exists, "pool " + pool.name().str() + " has a VM " + name.str() + " already");
    auto ownership = pool.ownership();
    ownership.mode &= mode;
    const auto running = operations_.begin("create VM", pool.name(), name);
    TRY(running->checked(pool.driver().create_vm(name, ownership)));
    auto view = running->checked(pool.driver().load_vm(name));
    if (!view) {
        (void)pool.driver().remove_vm(name);  // the first failure is the one to tell
        return base::Failure(std::move(view).error());
    }
    auto vm = std::make_shared<Vm>(pool.shared_from_this(), name, *std::move(view));
    pool.add(vm);
    running->done();
    return vm;
}

Result<> Volumes::remove_vm(const VmPtr& vm) {
    auto& pool = vm->pool();
    const auto name = vm->name();
    TRY(vm->writes().wait_closed(std::optional<base::VolumeName>{}, patience()));
    (void)vm->writes().wait_left(patience());  // the driver says what is still there
    const auto held = TRY(pool.locks().acquire({{name, {}}}, patience()));
    TRY(still_there(*vm, name));
    if (!vm->view()->volumes.empty() || !vm->writes().files().empty() || !vm->writes().all_scratch().empty())
        return fail(Errc::NotEmpty, "VM " + name.str() + " still has volumes, revisions or scratch files");
    const auto running = operations_.begin("remove VM", pool.name(), name);
    TRY(running->checked(pool.driver().remove_vm(name)));
    pool.remove(name);
    running->done();
    return {};
}

Result<> Volumes::rename_vm(const VmPtr& vm, const base::VmName& to) {
    auto& pool = vm->pool();
    const auto from = vm->name();
    TRY(vm->writes().wait_closed(std::optional<base::VolumeName>{}, patience()));
    const auto children = pool.sources().children_of(from);
    std::vector<LockKey> keys{{from, {}}, {to, {}}};
    for (const auto& child : children)
        if (child.vm != from) keys.push_back({child.vm, child.volume});
    const auto held = TRY(pool.locks().acquire(std::move(keys), patience()));
    TRY(still_there(*vm, from));
    if (pool.sources().children_of(from) != children)
        return fail(Errc::Busy, "the snapshots of " + from.str() + "'s volumes are just changing");
    if (pool.find(to)) return fail(Errc::Exists, "pool " + pool.name().str() + " has a VM " + to.str() + " already");
    TRY(all_halted(*vm, "cannot be renamed"));
    if (!vm->writes().files().empty() || !vm->writes().all_scratch().empty())
        return fail(Errc::Busy, from.str() + " cannot be renamed while files in it are being written");

    const auto running = operations_.begin("rename VM", pool.name(), from, {}, to.str());
    TRY(running->checked(pool.driver().rename_vm(from, to, children)));
    for (const auto all = vm->view(); const auto& [volume, view] : all->volumes) {
        const auto* source = api::source_of(view->config.kind);
        pool.sources().set({from, volume}, std::nullopt);
        if (source != nullptr) pool.sources().set({to, volume}, *source);
    }
    pool.rename(from, to);
    auto moved = children;
    for (auto& child : moved)
        if (child.vm == from) child.vm = to;
    adopt_children(pool, moved, [&](api::Source& source) { source.volume.vm = to; });
    running->done();
    return {};
}

Result<> Volumes::set_ownership(const VmPtr& vm, const api::Ownership& ownership) {
    const auto name = vm->name();
    const auto held = TRY(vm->pool().locks().acquire({{name, {}}}, patience()));
    TRY(still_there(*vm, name));
    const auto before = vm->view();
    TRY(vm->pool().driver().set_ownership(name, ownership));
    vm->set_ownership(ownership);
    for (const auto& [volume, view] : before->volumes) {
        if (!view->session) continue;
        const auto device = vm->pool().driver().device({name, volume}, *view);
        if (!device) continue;  // it has vanished
        const auto holder = TRY(holder_of(*device));
        if (holder.uid != before->ownership.uid && holder.uid != 0) continue;  // an account that libvirt gave it to
        (void)TRY(take_back(*device));
        TRY(hand_over(*device, ownership));
    }
    return {};
}

}  // namespace varve::engine
