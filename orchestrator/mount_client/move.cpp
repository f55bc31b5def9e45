// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/move.h"

#include "fs/protocol/names.h"
#include "orchestrator/mount_client/move_plan.h"
#include "orchestrator/mount_client/remove.h"
#include "orchestrator/mount_client/scratch_file.h"
#include "orchestrator/mount_client/volume_settings.h"

#include <sys/file.h>

#include <algorithm>
#include <cerrno>

namespace varve::mount_client {
namespace {

using base::Bytes;
using base::Errc;
using base::fail;
using base::Result;
using base::VolumeId;

const Removed nobody = [](const std::string&) {};

// Removes copies that nobody will need, unless they were handed over. What cannot be removed stays under a name that says what it is.
class ArrivingVm {
public:
    ArrivingVm(const Mount& mount, const VmReference& vm) : mount_(mount), vm_(vm) {}
    ArrivingVm(const ArrivingVm&) = delete;
    ArrivingVm& operator=(const ArrivingVm&) = delete;
    ~ArrivingVm() {
        if (!handed_over_) (void)remove_vm(mount_, vm_, nobody);
    }
    void handed_over() { handed_over_ = true; }

private:
    const Mount& mount_;
    const VmReference& vm_;
    bool handed_over_ = false;
};

class Mover {
public:
    Mover(const Mount& mount, const Movable& from, const Movable& to, const CopyObserver& observer)
        : mount_(mount), from_(from), to_(to), observer_(observer), names_(names_of_move(from, to)) {}

    Result<std::vector<VolumeId>> run() {
        if (TRY(mount_.exists(vm_directory(names_.leaving)))) {
            TRY(finish_earlier());
            if (!TRY(is_there(from_))) return targets();
        }
        const auto lock = TRY(lock_vm(vm_of(from_)));
        plan_ = TRY(plan_move(mount_, from_, to_, observer_));
        TRY(check_no_children(mount_, from_, plan_));
        if (plan_.volumes.empty() ? !plan_.target_vm_exists : !std::ranges::all_of(plan_.volumes, &PlannedVolume::arrived))
            TRY(arrive());
        else
            TRY(remove_empty_place());
        TRY(check_arrived());
        TRY(leave());
        TRY(remove_left());
        return targets();
    }

private:
    [[nodiscard]] std::vector<VolumeId> targets() const {
        std::vector<VolumeId> all;
        for (const auto& planned : plan_.volumes) all.push_back(planned.target);
        return all;
    }

    Result<bool> is_there(const Movable& what) const {
        if (const auto* volume = std::get_if<VolumeId>(&what)) return mount_.exists(state_path({*volume, {}}));
        return mount_.exists(vm_directory(std::get<VmReference>(what)));
    }

    // Held until the descriptor goes, also over a rename.
    Result<base::UniqueFd> lock_vm(const VmReference& vm) const {
        auto directory = mount_.open_for_reading(vm_directory(vm));
        if (!directory && directory.error().code == Errc::NotFound) return fail(Errc::NotFound, vm.str() + " does not exist");
        if (!directory) return base::Failure(directory.error());
        if (::flock(directory->get(), LOCK_EX | LOCK_NB) == 0) return directory;
        if (errno == EWOULDBLOCK) return fail(Errc::Busy, "another process moves something of " + vm.str());
        return base::fail_errno(errno, "cannot lock " + vm.str());
    }

    // What was moved as it stands once it has left.
    [[nodiscard]] Movable left() const {
        const auto* volume = std::get_if<VolumeId>(&from_);
        if (volume == nullptr) return names_.leaving;
        return VolumeId{names_.leaving.pool, names_.leaving.vm, volume->volume};
    }

    // Nothing goes before all of it has come.
    Result<> check_arrived() const {
        for (const auto& planned : plan_.volumes)
            if (!TRY(is_complete(mount_, planned.copy, planned.target)))
                return fail(Errc::Busy, planned.target.str() + " was changed already, and has not all of " + planned.copy.volume.id.str() +
                                            ", which stays: remove the new one ('varve rm -r') and try again");
        return {};
    }

    // A crash may have come between the last volume's way out of it and its removal.
    Result<> remove_empty_place() const {
        if (!TRY(mount_.exists(vm_directory(names_.arriving)))) return {};
        return mount_.remove_directory(vm_directory(names_.arriving));
    }

    // A crash came after step 3.
    Result<> finish_earlier() {
        const auto lock = TRY(lock_vm(names_.leaving));
        if (!TRY(volumes(mount_, names_.leaving)).empty()) {
            plan_ = TRY(plan_move(mount_, left(), to_, observer_));
            if (!std::ranges::all_of(plan_.volumes, &PlannedVolume::arrived))
                return fail(Errc::NotFound, names_.leaving.str() + " is what is left of " + to_string(from_) +
                                                " after a move that was cut off, but " + to_string(to_) +
                                                " does not have all of it: nothing was removed");
        }
        return remove_left();
    }

    Result<> arrive() {
        if (!TRY(mount_.exists(vm_directory(names_.arriving)))) TRY(mount_.make_directory(vm_directory(names_.arriving)));
        TRY(mount_.copy_owner_and_mode(vm_directory(vm_of(plan_.target_vm_exists ? to_ : from_)), vm_directory(names_.arriving)));
        TRY(remove_scratch_files(mount_, names_.arriving));
        TRY(remove_strangers());
        ArrivingVm arriving(mount_, names_.arriving);
        Bytes whole{};
        Bytes before{};
        for (const auto& planned : plan_.volumes) whole = whole + planned.copy.size();
        for (const auto& planned : plan_.volumes) {
            const CopyObserver here{[&](Bytes done, std::optional<Bytes>) {
                                        if (observer_.progress) observer_.progress(before + done, whole);
                                    },
                                    observer_.interrupted};
            if (!planned.arrived) TRY(copied(planned, copy_volume(mount_, planned.copy, place_of(planned), here)));
            before = before + planned.copy.size();
        }
        // Last, and at once before the new names: from then on the sources of snapshots are spared, and the rest is removed as it would have been.
        for (const auto& planned : plan_.volumes)
            if (!planned.arrived) TRY(copy_settings(mount_, planned.copy.volume.id, place_of(planned)));
        TRY(publish());
        arriving.handed_over();
        return {};
    }

    // A driver's own words name no pool, and there are two.
    static Result<> copied(const PlannedVolume& planned, Result<> result) {
        if (result) return result;
        const auto what = "cannot copy " + to_string(planned.copy.volume.id) + " to " + to_string(planned.target);
        return base::Failure(base::with_context(std::move(result).error(), what));
    }

    // Of an earlier attempt that was cut off only what is a part of this one is of use.
    Result<> remove_strangers() const {
        for (const auto& name : TRY(volumes(mount_, names_.arriving))) {
            const VolumeId id{names_.arriving.pool, names_.arriving.vm, name};
            const auto planned =
                std::ranges::find_if(plan_.volumes, [&](const PlannedVolume& each) { return !each.arrived && each.target.volume == name; });
            if (planned == plan_.volumes.end() || !TRY(is_begun(mount_, planned->copy, id))) TRY(remove_volume(mount_, id, nobody));
        }
        return {};
    }

    [[nodiscard]] VolumeId place_of(const PlannedVolume& planned) const {
        return {names_.arriving.pool, names_.arriving.vm, planned.target.volume};
    }

    Result<> publish() const {
        if (!plan_.target_vm_exists) return mount_.rename(vm_directory(names_.arriving), vm_directory(vm_of(to_)), Mount::Replace::No);
        for (const auto& planned : plan_.volumes)
            if (!planned.arrived)
                TRY(mount_.rename(state_path({place_of(planned), {}}), state_path({planned.target, {}}), Mount::Replace::No));
        return mount_.remove_directory(vm_directory(names_.arriving));
    }

    Result<> leave() const {
        if (auto away = exchange(Direction::Away); !away)
            return base::Failure(base::with_context(away.error(), to_string(to_) + " is complete, but " + to_string(from_) + " stays"));
        const auto same = is_as_planned(mount_, left(), plan_);
        if (same && *same) return {};
        if (auto back = exchange(Direction::Back); !back)
            return base::Failure(base::with_context(back.error(), to_string(from_) + " was changed while it was copied, and is " +
                                                                      to_string(left()) + " now: rename it back ('varve mv')"));
        if (!same) return base::Failure(same.error());
        return fail(Errc::Busy, to_string(from_) + " was changed while it was copied, and stays; " + to_string(to_) +
                                    " is how it was before: remove that ('varve rm -r') and try again");
    }

    enum class Direction { Away, Back };
    Result<> exchange(Direction direction) const {
        const auto away = direction == Direction::Away;
        const auto path_of = [](const Movable& what) {
            const auto* volume = std::get_if<VolumeId>(&what);
            return volume != nullptr ? state_path({*volume, {}}) : vm_directory(std::get<VmReference>(what));
        };
        const bool one_volume = std::holds_alternative<VolumeId>(from_);
        if (one_volume && away) {
            TRY(mount_.make_directory(vm_directory(names_.leaving)));
            TRY(mount_.copy_owner_and_mode(vm_directory(vm_of(from_)), vm_directory(names_.leaving)));
        }
        auto renamed = mount_.rename(path_of(away ? from_ : left()), path_of(away ? left() : from_), Mount::Replace::No);
        if (one_volume && renamed.has_value() != away) (void)mount_.remove_directory(vm_directory(names_.leaving));  // empty, and harmless
        return renamed;
    }

    Result<> remove_left() const {
        const auto* volume = std::get_if<VolumeId>(&from_);
        const auto remove = [&]() -> Result<> {
            if (volume == nullptr) return remove_vm(mount_, names_.leaving, nobody);
            const auto there = std::get<VolumeId>(left());
            if (TRY(mount_.exists(volume_control(there, protocol::volume_file::kind)))) TRY(remove_volume(mount_, there, nobody));
            return remove_empty_vm(mount_, names_.leaving, nobody);
        };
        auto removed = remove();
        if (!removed)
            return base::Failure(base::with_context(
                removed.error(), to_string(to_) + " is complete, but the old one, now " + names_.leaving.str() + ", cannot be removed"));
        return {};
    }

    const Mount& mount_;
    const Movable& from_;
    const Movable& to_;
    const CopyObserver& observer_;
    MoveNames names_;
    MovePlan plan_;
};

Result<std::vector<VolumeId>> rename_within_pool(const Mount& mount, const Movable& from, const Movable& to) {
    if (const auto* volume = std::get_if<VolumeId>(&from)) {
        const auto& target = std::get<VolumeId>(to);
        auto renamed = mount.rename(state_path({*volume, {}}), state_path({target, {}}), Mount::Replace::No);
        if (!renamed) return base::Failure(std::move(renamed).error());
        return std::vector{target};
    }
    const auto& vm = std::get<VmReference>(to);
    TRY(mount.rename(vm_directory(std::get<VmReference>(from)), vm_directory(vm), Mount::Replace::No));
    return volumes_below(mount, vm);
}

}  // namespace

Result<std::vector<VolumeId>> move(const Mount& mount, const Movable& from, const Movable& to, const CopyObserver& observer) {
    if (vm_of(from).pool == vm_of(to).pool) return rename_within_pool(mount, from, to);
    return Mover(mount, from, to, observer).run();
}

}  // namespace varve::mount_client
