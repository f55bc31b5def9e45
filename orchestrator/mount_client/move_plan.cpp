// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/move_plan.h"

#include "fs/protocol/names.h"
#include "orchestrator/mount_client/create.h"

#include <algorithm>

namespace varve::mount_client {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using base::VolumeId;
namespace state = protocol::state;

Result<std::vector<VolumeId>> volumes_at(const Mount& mount, const Movable& at) {
    if (const auto* volume = std::get_if<VolumeId>(&at)) return std::vector{*volume};
    const auto& vm = std::get<VmReference>(at);
    std::vector<VolumeId> found;
    for (const auto& name : TRY(volumes(mount, vm))) found.push_back({vm.pool, vm.vm, name});
    return found;
}

Result<> check_movable(const Volume& volume) {
    const auto busy = [&](const std::string& why) { return fail(Errc::Busy, volume.id.str() + " " + why); };
    if (volume.state == state::started) return busy("is started: stop its VM first");
    if (volume.state == state::dirty) return busy("is dirty: stop or discard it first");
    if (volume.state == state::writing) return busy("is being written by a program");
    if (volume.state == state::degraded) return busy("is degraded; 'varve info " + volume.id.str() + "' says why");
    return {};
}

// Sources within a VM follow its names: they are shown without.
Result<std::string> config_at(const Mount& mount, const Movable& at, const VolumeId& id) {
    auto text = TRY(mount.value(volume_control(id, protocol::volume_file::config)));
    if (std::holds_alternative<VolumeId>(at)) return text;
    const auto own = "\"../" + id.vm.str() + "/";
    if (const auto found = text.find(own); found != std::string::npos) text.replace(found, own.size(), "\"../");
    return text;
}

class Planner {
public:
    Planner(const Mount& mount, const Movable& at, const Movable& to, const CopyObserver& observer)
        : mount_(mount), at_(at), to_(to), observer_(observer) {}

    Result<MovePlan> run() {
        MovePlan plan;
        plan.target_vm_exists = TRY(mount_.exists(vm_directory(vm_of(to_))));
        if (std::holds_alternative<VolumeId>(to_) && !plan.target_vm_exists)
            return fail(Errc::NotFound, vm_of(to_).str() + " does not exist: make it with 'varve create " + vm_of(to_).str() + "'");
        for (const auto& id : TRY(volumes_at(mount_, at_))) plan.volumes.push_back(TRY(planned(id, plan.target_vm_exists)));
        return plan;
    }

private:
    Result<PlannedVolume> planned(const VolumeId& id, bool target_vm_exists) const {
        auto volume = TRY(read_volume(mount_, id));
        TRY(check_movable(volume));
        auto states = TRY(states_of(mount_, volume));
        auto source = TRY(source_there(volume));
        auto config = TRY(config_at(mount_, at_, id));
        PlannedVolume planned{{std::move(volume), std::move(states), std::move(source), std::move(config)}, target_of(id)};
        const auto& copy = planned.copy;
        if (TRY(mount_.exists(volume_control(planned.target, protocol::volume_file::kind)))) {
            planned.arrived = TRY(has_arrived(mount_, copy, planned.target, {{}, observer_.interrupted}));
            if (!planned.arrived) return fail(Errc::Exists, planned.target.str() + " exists already, and is not the same as " + id.str());
        } else if (target_vm_exists && copy.volume.state == state::removed) {
            // Only a whole volume gets another VM by a rename.
            return fail(Errc::NotFound, id.str() + " has revisions only: 'varve revert' brings it back, 'varve rm -r' removes it");
        }
        return planned;
    }

    [[nodiscard]] VolumeId target_of(const VolumeId& id) const {
        if (const auto* volume = std::get_if<VolumeId>(&to_)) return *volume;
        const auto& vm = std::get<VmReference>(to_);
        return {vm.pool, vm.vm, id.volume};
    }

    // A link as the volume has it in the other pool. What belongs to the VM goes along with it.
    Result<std::string> source_there(const Volume& volume) const {
        if (volume.source.empty()) return std::string();
        auto source = TRY(parse_source_link(volume.id.pool, volume.source));
        const bool own = std::holds_alternative<VmReference>(at_) && source.volume.vm == volume.id.vm;
        source.volume.pool = vm_of(to_).pool;
        if (own) source.volume.vm = vm_of(to_).vm;
        if (own || TRY(mount_.exists(state_path(source)))) return source_link(source);
        return fail(Errc::CrossPool, volume.id.str() + " starts from " + volume.source.substr(3) + ", which the pool " +
                                         source.volume.pool.str() + " does not have: clone it there first ('varve clone')");
    }

    const Mount& mount_;
    const Movable& at_;
    const Movable& to_;
    const CopyObserver& observer_;
};

}  // namespace

Result<MovePlan> plan_move(const Mount& mount, const Movable& at, const Movable& to, const CopyObserver& observer) {
    return Planner(mount, at, to, observer).run();
}

Result<> check_no_children(const Mount& mount, const Movable& from, const MovePlan& plan) {
    const auto moves = [&](const VolumeId& id) {
        return std::ranges::any_of(plan.volumes, [&](const PlannedVolume& planned) { return planned.copy.volume.id == id; });
    };
    for (const auto& id : TRY(volumes_below(mount, PoolReference{vm_of(from).pool}))) {
        if (moves(id)) continue;
        const auto source = source_volume_link(mount, id);
        if (!source) continue;  // it has gone meanwhile; the last look is that of the removal
        const auto found = std::ranges::find_if(plan.volumes, [&](const PlannedVolume& planned) {
            return *source == source_link({planned.copy.volume.id, {}});
        });
        if (found != plan.volumes.end())
            return fail(Errc::Busy,
                        found->copy.volume.id.str() + " is the source of " + id.str() +
                            ", which has to stay in its pool: clone it to the other pool ('varve clone'), or move that VM first");
    }
    return {};
}

Result<bool> is_as_planned(const Mount& mount, const Movable& at, const MovePlan& plan) {
    const auto ids = TRY(volumes_at(mount, at));
    if (ids.size() != plan.volumes.size()) return false;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const auto& planned = plan.volumes[i].copy;
        const auto volume = TRY(read_volume(mount, ids[i]));
        if (volume.kind != planned.volume.kind || volume.state != planned.volume.state) return false;
        if (TRY(states_of(mount, volume)) != planned.states) return false;
        if (TRY(config_at(mount, at, ids[i])) != planned.config) return false;
    }
    return true;
}

}  // namespace varve::mount_client
