// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/volumes.h"

#include "drivers/api/rules.h"

#include "fs/engine/image_io.h"
#include "fs/engine/transaction.h"
#include "fs/paths/entry_name.h"

#include <algorithm>
#include <utility>

namespace varve::engine {

using base::Errc;
using base::fail;
using base::Result;

namespace {

// Errors that come from the world and not from a rule: the disk may have changed before they happened.
bool may_have_had_effect(const base::Error& error) {
    return error.cause || error.code == Errc::Io || error.code == Errc::Degraded || error.code == Errc::Corrupt ||
           error.code == Errc::NoSpace;
}

std::vector<base::RevisionId> missing_from(const api::VolumeView& before, const api::VolumeView& after) {
    std::vector<base::RevisionId> gone;
    for (const auto& revision : before.revisions)
        if (after.find(revision.id) == nullptr) gone.push_back(revision.id);
    return gone;
}

const api::Revision* revision_of_state(const api::VolumeView& view, api::StateId state) {
    const auto found = std::ranges::find_if(view.revisions, [&](const api::Revision& revision) { return revision.state.id == state; });
    return found == view.revisions.end() ? nullptr : &*found;
}

api::Start start_command(const std::optional<StartPoint>& from) {
    if (!from) return {};
    return {api::StartSource{from->where, from->view.get()}};
}

// A lock taken by name is the VM's only while the VM has that name.
Result<> still_there(const Vm& vm, const base::VmName& name) {
    if (vm.pool().find(name).get() == &vm) return {};
    return fail(Errc::NotFound, "VM " + name.str() + " has just been renamed or removed");
}

}  // namespace

// ---- locks and views

Result<VolumeLock> Volumes::lock(const VolumeRef& volume) const {
    const auto name = volume.vm->name();
    auto held = TRY(volume.vm->pool().locks().acquire({{name, volume.volume}}, settings_.wait_busy));
    TRY(still_there(*volume.vm, name));
    return held;
}

Result<VolumeLock> Volumes::lock_unwritten(const VolumeRef& volume) const {
    const auto file = paths::volume_file(volume.volume);
    const auto deadline = std::chrono::steady_clock::now() + settings_.wait_busy;
    while (true) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        TRY(volume.vm->writes().wait_closed(file, std::max(left, std::chrono::milliseconds(0))));
        auto held = TRY(lock(volume));
        // Somebody may have begun to write between the wait and the lock; nobody can while it is held.
        if (!volume.vm->writes().find(file)) return held;
    }
}

void Volumes::publish_view(const VolumeLock&, const VolumeRef& volume, std::optional<api::VolumeView> view) {
    auto next = view ? std::make_shared<const api::VolumeView>(*std::move(view)) : nullptr;
    const auto* source = next ? api::source_of(next->config.kind) : nullptr;
    volume.vm->pool().sources().set(volume.path(), source != nullptr ? std::optional(*source) : std::nullopt);
    const auto before = volume.vm->set_volume(volume.volume, next);
    listener_.volume_changed(*volume.vm, volume.volume, before.get(), next.get());
}

Result<VolumeView> Volumes::run(const VolumeLock& lock, const VolumeRef& volume, const api::Command& command) {
    const auto present = volume.view();
    auto& driver = volume.vm->pool().driver();
    auto done = driver.execute(volume.path(), present.get(), command);
    if (!done) {
        if (may_have_had_effect(done.error()))
            if (auto now = driver.load_volume(volume.path(), present.get())) publish_view(lock, volume, *std::move(now));
        return base::Failure(std::move(done).error());
    }
    publish_view(lock, volume, *std::move(done));
    return volume.view();
}

api::Retention Volumes::retention(const VolumeRef& volume, const api::VolumeView& view) const {
    auto& pool = volume.vm->pool();
    return {view.keep(pool.revisions_to_keep()), clock_.now(), settings_.prune_grace.count(), fixed_revisions(volume, view)};
}

// ---- rules between volumes

Result<> Volumes::enough_space(const VolumeRef& volume) const {
    const auto space = TRY(volume.vm->pool().driver().space());
    const auto* percent = std::get_if<Percent>(&settings_.min_free);
    const auto least = percent != nullptr
                           ? base::Bytes{static_cast<std::uint64_t>(static_cast<double>(space.size.count) * percent->value / 100)}
                           : std::get<base::Bytes>(settings_.min_free);
    if (space.available < least)
        return fail(Errc::NoSpace, "pool " + volume.vm->pool().name().str() + " has only " + base::human(space.available) +
                                       " free and min_free is " + base::human(least) + "; starts are refused until there is more");
    return {};
}

Result<> Volumes::nobodys_fixed_source(const VolumeRef& volume, const base::RevisionId& revision, std::string_view cannot) const {
    const auto& sources = volume.vm->pool().sources();
    auto child = sources.child_of_revision(volume.path(), revision);
    const auto view = volume.view();
    // A timed revision has two names, with and without its number: a source may use the other one.
    if (const auto* meant = view ? view->find(revision) : nullptr; meant != nullptr && !child)
        for (const auto& fixed : sources.fixed_revisions(volume.path()))
            if (view->find(fixed) == meant) child = sources.child_of_revision(volume.path(), fixed);
    if (!child) return {};
    return fail(Errc::Busy,
                volume.path().str() + "@" + revision.str() + " " + std::string(cannot) + ": it is the source of " + child->str());
}

// A start without a snapshot layer removes the timed revisions.
Result<> Volumes::layer_is_dispensable(const VolumeRef& volume, const api::VolumeView& view) const {
    if (view.session || !std::holds_alternative<api::Origin>(view.config.kind) ||
        !view.keep(volume.vm->pool().revisions_to_keep()).no_snapshot_layer())
        return {};
    for (const auto& fixed : fixed_revisions(volume, view))
        if (fixed.timed() != nullptr)
            TRY(nobodys_fixed_source(volume, fixed, "would go with a start without a snapshot layer (revisions_to_keep is -1)"));
    return {};
}

Result<> Volumes::all_halted(const Vm& vm, std::string_view cannot) const {
    for (const auto all = vm.view(); const auto& [name, view] : all->volumes)
        if (view->session)
            return fail(Errc::Busy,
                        vm.name().str() + " " + std::string(cannot) + " while its volume " + name.str() + " is started or dirty");
    return {};
}

// ---- one volume

Result<> Volumes::create(const VolumeRef& volume, api::VolumeConfig config) {
    const auto held = TRY(lock_unwritten(volume));
    config.created = clock_.now();
    TRY(run(held, volume, api::Create{std::move(config)}));
    return {};
}

Result<std::optional<StartPoint>> Volumes::start_point(const VolumeRef& volume) const {
    const auto view = volume.view();
    const auto* source = view ? api::source_of(view->config.kind) : nullptr;
    if (source == nullptr) return std::nullopt;
    return find_start_point(volume.vm->pool(), volume.path(), *source);
}

Result<Started> Volumes::start(const VolumeRef& volume) {
    const auto held = TRY(lock_unwritten(volume));
    // The source's view stays alive, and its committed image stays linked or open, while the driver uses it: its lock is not needed,
    // so that starts of children do not wait for each other. A commit of the source in between makes the start see the older or newer state.
    std::optional<StartPoint> from;
    if (const auto view = volume.view(); view && !view->session) from = TRY(start_point(volume));
    TRY(api::check(volume.path(), volume.view().get(), start_command(from), volume.vm->pool().driver().capabilities()));
    TRY(layer_is_dispensable(volume, *volume.view()));
    TRY(enough_space(volume));
    const auto view = TRY(run(held, volume, start_command(from)));
    return Started{TRY(volume.vm->pool().driver().device(volume.path(), *view))};
}

Result<Stopped> Volumes::stop(const VolumeRef& volume, api::Stop::Outcome outcome) {
    const auto held = TRY(lock(volume));
    const auto before = volume.view();
    if (!before) return fail(Errc::NotFound, "there is no volume " + volume.path().str());
    const auto after = TRY(run(held, volume, api::Stop{outcome, retention(volume, *before)}));
    Stopped stopped;
    if (after) {
        stopped.removed = missing_from(*before, *after);
        const auto old = before->committed ? before->committed->id : api::StateId{};
        stopped.committed = after->committed && api::saves_on_stop(after->config.kind) && after->committed->id != old;
        if (stopped.committed)
            if (const auto* kept = revision_of_state(*after, old)) stopped.revision = kept->id;
        preparer_.request(volume.vm, volume.volume);
    }
    return stopped;
}

Result<> Volumes::revert(const VolumeRef& volume, const base::RevisionId& revision, api::Revert::Revision source) {
    const auto held = TRY(lock_unwritten(volume));
    if (source == api::Revert::Revision::Move) TRY(nobodys_fixed_source(volume, revision, "cannot be moved away"));
    TRY(run(held, volume, api::Revert{revision, source, api::Revert::Present::KeepAsRevision}));
    return {};
}

Result<> Volumes::resize(const VolumeRef& volume, base::Bytes size) {
    const auto held = TRY(lock_unwritten(volume));
    TRY(run(held, volume, api::Resize{size}));
    return {};
}

Result<> Volumes::clear(const VolumeRef& volume) {
    const auto held = TRY(lock_unwritten(volume));
    const auto view = volume.view();
    if (!view || !view->committed) return fail(Errc::NotFound, volume.path().str() + " has no committed state to clear");
    auto image = TRY(volume.vm->pool().driver().create_image(volume.vm->name(), std::nullopt));
    TRY(set_size(image.fd(), view->committed->size));
    TRY(run(held, volume, api::Publish{&image, api::Publish::AsCommitted{}}));
    return {};
}

Result<> Volumes::take_snapshot(const VolumeRef& volume, const base::Label& label) {
    const auto held = TRY(lock(volume));
    TRY(run(held, volume, api::TakeSnapshot{label}));
    return {};
}

Result<> Volumes::rename_revision(const VolumeRef& volume, const base::RevisionId& from, const base::Label& to) {
    const auto held = TRY(lock(volume));
    TRY(nobodys_fixed_source(volume, from, "cannot be renamed"));
    TRY(run(held, volume, api::RenameRevision{from, to}));
    return {};
}

Result<> Volumes::remove(const VolumeRef& volume) {
    const auto held = TRY(lock_unwritten(volume));
    if (const auto child = volume.vm->pool().sources().child_of_committed(volume.path()))
        return fail(Errc::Busy, volume.path().str() + " cannot be removed: it is the source of " + child->str());
    TRY(run(held, volume, api::RemoveCommitted{}));
    return {};
}

Result<> Volumes::remove_revision(const VolumeRef& volume, const base::RevisionId& revision) {
    const auto held = TRY(lock(volume));
    TRY(nobodys_fixed_source(volume, revision, "cannot be removed"));
    TRY(run(held, volume, api::RemoveRevision{revision}));
    return {};
}

Result<> Volumes::set_time(const VolumeRef& volume, const std::optional<base::RevisionId>& revision, base::Timestamp time) {
    const auto held = TRY(lock(volume));
    TRY(run(held, volume, api::SetTime{revision, time}));
    return {};
}

Result<> Volumes::configure(const VolumeRef& volume, const ConfigChange& change) {
    const auto held = TRY(lock(volume));
    const auto view = volume.view();
    if (!view) return fail(Errc::NotFound, "there is no volume " + volume.path().str());
    TRY(run(held, volume, api::Configure{TRY(change(view->config))}));
    return {};
}

Result<std::vector<base::RevisionId>> Volumes::prune(const VolumeRef& volume) {
    const auto held = TRY(lock(volume));
    const auto before = volume.view();
    if (!before) return fail(Errc::NotFound, "there is no volume " + volume.path().str());
    const auto after = TRY(run(held, volume, api::Prune{retention(volume, *before)}));
    return missing_from(*before, after ? *after : api::VolumeView{});
}

Result<VolumeView> Volumes::publish(
    const VolumeRef& volume, api::PrivateImage& image,
    const std::variant<api::Publish::AsCommitted, api::Publish::AsAmendment, api::Publish::AsRevision>& target,
    const Transaction* own_transaction) {
    const auto size = TRY(status(image.fd())).st_size;
    if (size % static_cast<off_t>(base::sector_size) != 0)
        return fail(Errc::InvalidArgument, "the size of " + volume.path().str() + " would be " + std::to_string(size) +
                                               " bytes, which is not a multiple of 512; its old state stays");
    const auto as_revision = std::holds_alternative<api::Publish::AsRevision>(target);
    const auto held = TRY(own_transaction != nullptr || as_revision ? lock(volume) : lock_unwritten(volume));
    return run(held, volume, api::Publish{&image, target});
}

Result<> Volumes::begin(const VolumeRef& volume, const std::string& file, std::shared_ptr<Transaction> transaction) {
    const auto held = TRY(lock(volume));
    const auto view = volume.view();
    // What the commit would be refused for is refused now, before anything is written.
    if (!transaction->restores_revision()) {
        api::Publish probe{nullptr, api::Publish::AsCommitted{}};
        TRY(api::check(volume.path(), view.get(), probe, volume.vm->pool().driver().capabilities()));
    } else {
        api::Publish probe{nullptr, api::Publish::AsRevision{*transaction->restores_revision()}};
        TRY(api::check(volume.path(), view.get(), probe, volume.vm->pool().driver().capabilities()));
    }
    return volume.vm->writes().add(file, std::move(transaction));
}

// ---- names

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
    TRY(from.vm->writes().wait_closed(from.volume, settings_.wait_busy));
    const auto old_path = from.path();
    std::vector<LockKey> keys{{old_path.vm, from.volume}, {to.vm->name(), to.volume}};
    const auto children = pool.sources().children_of(old_path);
    for (const auto& child : children) keys.push_back({child.vm, child.volume});
    const auto held = TRY(pool.locks().acquire(std::move(keys), settings_.wait_busy));
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

    TRY(pool.driver().rename_volume(old_path, to.path(), *view, children));
    auto moved = *view;
    publish_view(held, from, std::nullopt);
    publish_view(held, to, std::move(moved));
    adopt_children(pool, children, [&](api::Source& source) { source.volume = to.path(); });
    return {};
}

Result<VmPtr> Volumes::make_vm(OpenPool& pool, const base::VmName& name, mode_t mode) {
    const auto held = TRY(pool.locks().acquire({{name, {}}}, settings_.wait_busy));
    if (pool.find(name)) return fail(Errc::Exists, "pool " + pool.name().str() + " has a VM " + name.str() + " already");
    auto ownership = pool.ownership();
    ownership.mode &= mode;
    TRY(pool.driver().create_vm(name, ownership));
    auto view = pool.driver().load_vm(name);
    if (!view) {
        (void)pool.driver().remove_vm(name);  // the first failure is the one to tell
        return base::Failure(std::move(view).error());
    }
    auto vm = std::make_shared<Vm>(pool.shared_from_this(), name, *std::move(view));
    pool.add(vm);
    return vm;
}

Result<> Volumes::remove_vm(const VmPtr& vm) {
    auto& pool = vm->pool();
    const auto name = vm->name();
    TRY(vm->writes().wait_closed(std::optional<base::VolumeName>{}, settings_.wait_busy));
    const auto held = TRY(pool.locks().acquire({{name, {}}}, settings_.wait_busy));
    TRY(still_there(*vm, name));
    if (!vm->view()->volumes.empty() || !vm->writes().files().empty() || !vm->writes().all_scratch().empty())
        return fail(Errc::NotEmpty, "VM " + name.str() + " still has volumes, revisions or scratch files");
    TRY(pool.driver().remove_vm(name));
    pool.remove(name);
    return {};
}

Result<> Volumes::rename_vm(const VmPtr& vm, const base::VmName& to) {
    auto& pool = vm->pool();
    const auto from = vm->name();
    TRY(vm->writes().wait_closed(std::optional<base::VolumeName>{}, settings_.wait_busy));
    const auto children = pool.sources().children_of(from);
    std::vector<LockKey> keys{{from, {}}, {to, {}}};
    for (const auto& child : children)
        if (child.vm != from) keys.push_back({child.vm, child.volume});
    const auto held = TRY(pool.locks().acquire(std::move(keys), settings_.wait_busy));
    TRY(still_there(*vm, from));
    if (pool.sources().children_of(from) != children)
        return fail(Errc::Busy, "the snapshots of " + from.str() + "'s volumes are just changing");
    if (pool.find(to)) return fail(Errc::Exists, "pool " + pool.name().str() + " has a VM " + to.str() + " already");
    TRY(all_halted(*vm, "cannot be renamed"));
    if (!vm->writes().files().empty() || !vm->writes().all_scratch().empty())
        return fail(Errc::Busy, from.str() + " cannot be renamed while files in it are being written");

    TRY(pool.driver().rename_vm(from, to, children));
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
    return {};
}

Result<> Volumes::set_ownership(const VmPtr& vm, const api::Ownership& ownership) {
    const auto name = vm->name();
    const auto held = TRY(vm->pool().locks().acquire({{name, {}}}, settings_.wait_busy));
    TRY(still_there(*vm, name));
    TRY(vm->pool().driver().set_ownership(name, ownership));
    vm->set_ownership(ownership);
    return {};
}

// ---- questions

std::vector<std::string> Volumes::blockers(const VolumeRef& volume) const {
    std::vector<std::string> reasons;
    const auto view = volume.view();
    if (!view) return {"there is no volume " + volume.path().str()};
    const auto note = [&](std::string_view what, const Result<>& result) {
        if (!result) reasons.push_back(std::string(what) + ": " + result.error().message());
    };
    const auto capabilities = volume.vm->pool().driver().capabilities();
    const auto from = view->session ? Result<std::optional<StartPoint>>() : start_point(volume);
    note("start", from ? api::check(volume.path(), view.get(), start_command(*from), capabilities) : Result<>(base::Failure(from.error())));
    note("start", layer_is_dispensable(volume, *view));
    note("start", enough_space(volume));
    if (volume.vm->writes().find(paths::volume_file(volume.volume)))
        reasons.push_back("start, revert: " + volume.path().str() + " is open for writing");
    if (view->session) {
        const auto dirty = view->session->phase == api::Session::Phase::Dirty;
        reasons.push_back("revert: " + volume.path().str() +
                          (dirty ? " is dirty: stop commits what its VM wrote, discard drops it" : " is started"));
    }
    for (const auto& revision : view->revisions) note("revert", nobodys_fixed_source(volume, revision.id, "cannot be moved away"));
    return reasons;
}

std::set<base::RevisionId> Volumes::fixed_revisions(const VolumeRef& volume, const api::VolumeView& view) const {
    std::set<base::RevisionId> listed;
    for (const auto& fixed : volume.vm->pool().sources().fixed_revisions(volume.path()))
        if (const auto* revision = view.find(fixed)) listed.insert(revision->id);
    return listed;
}

bool Volumes::outdated(const VolumeRef& volume) const {
    const auto view = volume.view();
    if (!view || api::source_of(view->config.kind) == nullptr || !view->session || !view->session->base) return false;
    const auto from = start_point(volume);
    const auto* now = from && *from ? (*from)->state() : nullptr;
    return now == nullptr || now->identity != view->session->base->identity;
}

}  // namespace varve::engine
