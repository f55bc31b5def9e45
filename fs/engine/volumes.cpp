// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/volumes.h"

#include "drivers/api/rules.h"

#include "fs/engine/device_owner.h"
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
    std::vector<base::RevisionId> missing;
    for (const auto& revision : api::Revisions::changes(before.revisions, after.revisions).gone)
        if (after.revisions.find(revision.id) == nullptr) missing.push_back(revision.id);
    return missing;
}

Committed what_was_committed(const api::VolumeView& before, const VolumeView& after) {
    if (!after) return {};
    Committed done;
    done.removed = missing_from(before, *after);
    const auto& old = before.committed;
    done.committed = after->committed && api::saves_on_stop(after->config.kind) && (!old || after->committed->id != old->id);
    if (done.committed && old)
        if (const auto* kept = after->revisions.find(*old)) done.revision = kept->id;
    return done;
}

struct TakenDevice {
    std::filesystem::path device;
    DeviceHolder holder;
};

// Nothing, where the session has none: it is dirty, or its device has vanished, of which the driver's stop tells.
Result<std::optional<TakenDevice>> take_device(const VolumeRef& volume, const api::VolumeView& view) {
    if (!view.session) return std::nullopt;
    auto device = volume.vm->pool().driver().device(volume.path(), view);
    if (!device) return std::nullopt;
    const auto holder = TRY(take_back(*device));
    return TakenDevice{*std::move(device), holder};
}

}  // namespace

// ---- locks and views

Result<> Volumes::still_there(const Vm& vm, const base::VmName& name) {
    if (vm.pool().find(name).get() == &vm) return {};
    return fail(Errc::NotFound, "VM " + name.str() + " has just been renamed or removed");
}

Result<VolumeLock> Volumes::lock(const VolumeRef& volume) const {
    const auto name = volume.vm->name();
    auto held = TRY(volume.vm->pool().locks().acquire({{name, volume.volume}}, patience()));
    TRY(still_there(*volume.vm, name));
    return held;
}

Result<VolumeLock> Volumes::lock_unwritten(const VolumeRef& volume) const {
    const auto file = paths::volume_file(volume.volume);
    auto patience = this->patience();
    while (true) {
        TRY(volume.vm->writes().wait_closed(file, patience));
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
    const auto committed = [](const api::VolumeView* view) {
        return view != nullptr && view->committed ? view->committed->id : api::StateId{};
    };
    if (committed(next.get()) != committed(before.get())) preparer_.replaced(volume.vm, volume.volume);
}

Result<VolumeView> Volumes::run(const VolumeLock& lock, const VolumeRef& volume, const api::Command& command) {
    const auto present = volume.view();
    auto& driver = volume.vm->pool().driver();
    const auto running = operations_.begin(api::command_name(command), volume.vm->pool().name(), volume.vm->name(), volume.volume);
    auto done = running->checked(driver.execute(volume.path(), present.get(), command));
    if (!done) {
        if (may_have_had_effect(done.error()))
            if (auto now = driver.load_volume(volume.path(), present.get())) publish_view(lock, volume, *std::move(now));
        return base::Failure(std::move(done).error());
    }
    publish_view(lock, volume, *std::move(done));
    auto after = volume.view();
    running->done(present, after);
    return after;
}

api::Retention Volumes::retention(const VolumeRef& volume, const api::VolumeView& view) const {
    auto& pool = volume.vm->pool();
    const auto keep = view.keep(pool.revisions_to_keep());
    return {keep, clock_.now(), settings_.prune_grace.count(), fixed_revisions(volume, view),
            keep.no_snapshot_layer() ? api::Schedule() : view.schedule(pool.schedule())};
}

// ---- rules between volumes

Result<> Volumes::enough_space(const VolumeRef& volume) const {
    const auto space = TRY(volume.vm->pool().driver().space());
    const auto least = base::portion_of(settings_.min_free, space.size);
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
    if (const auto* meant = view ? view->revisions.find(revision) : nullptr; meant != nullptr && !child)
        for (const auto& fixed : sources.fixed_revisions(volume.path()))
            if (view->revisions.find(fixed) == meant) child = sources.child_of_revision(volume.path(), fixed);
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
    const auto before = volume.view();
    if (before && !before->session) from = TRY(start_point(volume));
    TRY(api::check(volume.path(), before.get(), start_command(from), volume.vm->pool().driver().capabilities()));
    TRY(layer_is_dispensable(volume, *before));
    TRY(enough_space(volume));
    const auto view = TRY(run(held, volume, start_command(from)));
    auto device = TRY(volume.vm->pool().driver().device(volume.path(), *view));
    if (const auto given = hand_over(device, volume.vm->view()->ownership); !given) {
        if (!before->session) (void)run(held, volume, api::Stop{api::Stop::Outcome::Discard, {}});  // else the next stop does
        return base::Failure(given.error());
    }
    return Started{std::move(device)};
}

Result<Committed> Volumes::stop(const VolumeRef& volume, api::Stop::Outcome outcome) {
    const auto held = TRY(lock(volume));
    const auto before = volume.view();
    if (!before) return fail(Errc::NotFound, "there is no volume " + volume.path().str());
    const auto taken = TRY(take_device(volume, *before));
    const auto after = run(held, volume, api::Stop{outcome, retention(volume, *before)});
    if (!after) {
        // The session goes on, and so may its hypervisor; why it does not end is what the caller has to know.
        if (const auto now = volume.view(); taken && now && now->session) (void)give_again(taken->device, taken->holder);
        return base::Failure(after.error());
    }
    if (*after) preparer_.stopped(volume.vm, volume.volume);
    return what_was_committed(*before, *after);
}

Result<Committed> Volumes::commit(const VolumeRef& volume) {
    const auto held = TRY(lock(volume));
    const auto before = volume.view();
    if (!before) return fail(Errc::NotFound, "there is no volume " + volume.path().str());
    return what_was_committed(*before, TRY(run(held, volume, api::Commit{retention(volume, *before)})));
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
    TRY(image.storage().set_size(view->committed->size));
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
    const auto facts = TRY(image.storage().facts());
    if (!facts.size.whole_sectors())
        return fail(Errc::InvalidArgument, "the size of " + volume.path().str() + " would be " + std::to_string(facts.size.count) +
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

}  // namespace varve::engine
