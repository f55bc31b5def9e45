// SPDX-License-Identifier: LGPL-2.1-or-later
// What can be done to volumes and VMs: the rules between volumes, the locks, and the views that readers get.
#pragma once

#include "drivers/api/command.h"
#include "drivers/api/pool.h"
#include "drivers/base/timestamp.h"
#include "fs/engine/change_listener.h"
#include "fs/engine/open_pool.h"
#include "fs/engine/operations.h"
#include "fs/engine/patience.h"
#include "fs/engine/settings.h"
#include "fs/engine/start_point.h"
#include "fs/engine/start_preparer.h"
#include "fs/engine/vm.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace varve::engine {

// A volume of an open pool, whether it exists or not.
struct VolumeRef {
    VmPtr vm;
    base::VolumeName volume;

    [[nodiscard]] base::VolumePath path() const { return {vm->name(), volume}; }
    [[nodiscard]] base::VolumeId id() const { return {vm->pool().name(), vm->name(), volume}; }
    [[nodiscard]] VolumeView view() const { return vm->volume(volume); }
};

struct Started {
    std::filesystem::path device;
};

// What became of a session's writes.
struct Committed {
    bool committed = false;                    // a new state was made
    std::optional<base::RevisionId> revision;  // the old one, kept
    std::vector<base::RevisionId> removed;     // by pruning
};

// Thread-safe. Every operation waits up to Settings::wait_busy for another operation on the same volume, and for a writer that is closing
// it; after that it is Busy. An operation that fails has changed nothing. What succeeds is durable and published before it returns.
class Volumes {
public:
    Volumes(Settings settings, const base::Clock& clock, ChangeListener& listener, StartPreparer& preparer, Operations& operations)
        : settings_(settings), clock_(clock), listener_(listener), preparer_(preparer), operations_(operations) {}

    // The same, for one request whose waits for other operations end as Interrupted when `interrupted` asks for it. What has begun is finished.
    [[nodiscard]] Volumes interruptible(std::stop_token interrupted) const {
        auto same = *this;
        same.interrupted_ = std::move(interrupted);
        return same;
    }

    // ---- one volume
    [[nodiscard]] base::Result<> create(const VolumeRef& volume, api::VolumeConfig config);
    [[nodiscard]] base::Result<Started> start(const VolumeRef& volume);
    [[nodiscard]] base::Result<Committed> stop(const VolumeRef& volume, api::Stop::Outcome outcome);
    // Of a session that goes on (api::Commit).
    [[nodiscard]] base::Result<Committed> commit(const VolumeRef& volume);
    [[nodiscard]] base::Result<> revert(const VolumeRef& volume, const base::RevisionId& revision, api::Revert::Revision source);
    [[nodiscard]] base::Result<> resize(const VolumeRef& volume, base::Bytes size);
    // Replaces the content with zeros of the same size; the old state is kept.
    [[nodiscard]] base::Result<> clear(const VolumeRef& volume);
    [[nodiscard]] base::Result<> take_snapshot(const VolumeRef& volume, const base::Label& label);
    [[nodiscard]] base::Result<> rename_revision(const VolumeRef& volume, const base::RevisionId& from, const base::Label& to);
    [[nodiscard]] base::Result<> remove(const VolumeRef& volume);
    [[nodiscard]] base::Result<> remove_revision(const VolumeRef& volume, const base::RevisionId& revision);
    [[nodiscard]] base::Result<> set_time(const VolumeRef& volume, const std::optional<base::RevisionId>& revision, base::Timestamp time);
    // `change` gets the present configuration and returns the new one.
    using ConfigChange = std::function<base::Result<api::VolumeConfig>(api::VolumeConfig)>;
    [[nodiscard]] base::Result<> configure(const VolumeRef& volume, const ConfigChange& change);
    [[nodiscard]] base::Result<std::vector<base::RevisionId>> prune(const VolumeRef& volume);
    // Keeps all revisions and the sources that name it; `to` exists in no form.
    [[nodiscard]] base::Result<> rename(const VolumeRef& from, const VolumeRef& to);

    // Makes a finished image a state. `own_transaction`: the caller's, which is open and does not count as another writer.
    [[nodiscard]] base::Result<VolumeView> publish(
        const VolumeRef& volume, api::PrivateImage& image,
        const std::variant<api::Publish::AsCommitted, api::Publish::AsAmendment, api::Publish::AsRevision>& target,
        const Transaction* own_transaction);
    // Registers a transaction under `file`, when nothing forbids one now.
    [[nodiscard]] base::Result<> begin(const VolumeRef& volume, const std::string& file, std::shared_ptr<Transaction> transaction);

    // ---- VMs
    [[nodiscard]] base::Result<VmPtr> make_vm(OpenPool& pool, const base::VmName& name, mode_t mode);
    [[nodiscard]] base::Result<> remove_vm(const VmPtr& vm);
    [[nodiscard]] base::Result<> rename_vm(const VmPtr& vm, const base::VmName& to);
    [[nodiscard]] base::Result<> set_ownership(const VmPtr& vm, const api::Ownership& ownership);

    // ---- questions to the driver
    // By a volume's view, while no lock is held: so an operation may just have changed the storage whose view is not published yet. An answer that
    // fails is therefore asked for again when the operations under way have ended; Busy when they last longer than operations wait.
    // `find(engine::VolumeView)` says what to ask for, and fails where there is none: at once. `ask(const api::VolumeView&, found)` asks the driver.
    template <class Find, class Ask>
    [[nodiscard]] auto ask(const VolumeRef& volume, Find find, Ask ask) const
        -> decltype(ask(std::declval<const api::VolumeView&>(), *find(VolumeView()))) {
        const auto view = volume.view();
        const auto found = find(view);
        if (!found) return base::Failure(found.error());
        if (auto answer = ask(*view, *found)) return answer;
        const auto held = TRY(lock(volume));
        const auto now = volume.view();
        return ask(*now, TRY(find(now)));
    }
    // The same for the descriptor of a state, a Result<api::StateRef>.
    template <class Find>
    [[nodiscard]] base::Result<base::UniqueFd> open_state(const VolumeRef& volume, Find find) const {
        return ask(volume, std::move(find), [&](const api::VolumeView& view, const api::StateRef& state) {
            return volume.vm->pool().driver().open_state(volume.path(), view, state);
        });
    }

    // ---- questions
    // Why a start, and why a revert, would be refused now: sentences; none when nothing stands in the way.
    [[nodiscard]] std::vector<std::string> blockers(const VolumeRef& volume) const;
    // Whether the source has a newer committed state than the one the running snapshot started from.
    [[nodiscard]] bool outdated(const VolumeRef& volume) const;
    // nullopt when it has no source, or that does not exist.
    [[nodiscard]] base::Result<std::optional<StartPoint>> start_point(const VolumeRef& volume) const;
    // Those of the view's revisions that snapshots are fixed to, under the names that the view lists them by.
    [[nodiscard]] std::set<base::RevisionId> fixed_revisions(const VolumeRef& volume, const api::VolumeView& view) const;
    // By what prune() would go now.
    [[nodiscard]] api::Retention retention(const VolumeRef& volume, const api::VolumeView& view) const;
    [[nodiscard]] const Settings& settings() const { return settings_; }

private:
    // A lock taken by name is the VM's only while the VM has that name.
    [[nodiscard]] static base::Result<> still_there(const Vm& vm, const base::VmName& name);
    [[nodiscard]] base::Result<VolumeLock> lock(const VolumeRef& volume) const;
    [[nodiscard]] base::Result<VolumeLock> lock_unwritten(const VolumeRef& volume) const;
    [[nodiscard]] base::Result<VolumeView> run(const VolumeLock& lock, const VolumeRef& volume, const api::Command& command);
    void publish_view(const VolumeLock& lock, const VolumeRef& volume, std::optional<api::VolumeView> view);
    [[nodiscard]] base::Result<> enough_space(const VolumeRef& volume) const;
    [[nodiscard]] base::Result<> nobodys_fixed_source(const VolumeRef& volume, const base::RevisionId& revision,
                                                      std::string_view cannot) const;
    [[nodiscard]] base::Result<> layer_is_dispensable(const VolumeRef& volume, const api::VolumeView& view) const;
    void adopt_children(OpenPool& pool, const std::vector<base::VolumePath>& children, const std::function<void(api::Source&)>& change);

    [[nodiscard]] Patience patience() const { return {settings_.wait_busy, interrupted_}; }

    Settings settings_;
    std::stop_token interrupted_;
    const base::Clock& clock_;
    ChangeListener& listener_;
    StartPreparer& preparer_;
    Operations& operations_;
};

}  // namespace varve::engine
