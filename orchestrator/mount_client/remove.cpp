// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/remove.h"

#include "fs/protocol/names.h"
#include "orchestrator/mount_client/create.h"
#include "orchestrator/mount_client/inventory.h"

#include <algorithm>
#include <system_error>
#include <vector>

namespace varve::mount_client {

using base::Errc;
using base::fail;
using base::Result;

Result<> remove_state(const Mount& mount, const StateReference& state, const Removed& removed) {
    auto gone = mount.unlink(state_path(state));
    if (!gone && gone.error().cause == std::errc::no_such_file_or_directory) return fail(Errc::NotFound, state.str() + " does not exist");
    if (!gone) return gone;
    removed(state.str());
    return {};
}

Result<> remove_volume(const Mount& mount, const base::VolumeId& volume, const Removed& removed) {
    const auto found = TRY(read_volume(mount, volume));
    if (found.state != protocol::state::removed) TRY(remove_state(mount, {volume, {}}, removed));
    for (const auto& revision : found.revisions) {
        const auto id = TRY(base::RevisionId::parse(revision.name));
        TRY(remove_state(mount, {volume, id}, removed));
    }
    return {};
}

Result<> remove_empty_vm(const Mount& mount, const VmReference& vm, const Removed& removed) {
    TRY(mount.remove_directory(vm_directory(vm)));
    removed(vm.str());
    return {};
}

namespace {

// Snapshots of the VM's own volumes before those: the source of a volume is not removed.
Result<std::vector<base::VolumeId>> in_order_of_removal(const Mount& mount, const VmReference& vm) {
    struct Waiting {
        base::VolumeId volume;
        std::string source;
    };
    std::vector<Waiting> waiting;
    for (const auto& name : TRY(volumes(mount, vm))) {
        base::VolumeId volume{vm.pool, vm.vm, name};
        auto source = TRY(source_volume_link(mount, volume));
        waiting.push_back({std::move(volume), std::move(source)});
    }
    std::vector<base::VolumeId> order;
    while (!waiting.empty()) {
        const auto is_source = [&](const Waiting& one) {
            const auto link = source_link({one.volume, {}});
            return std::ranges::any_of(waiting, [&](const Waiting& other) { return other.source == link; });
        };
        auto next = std::ranges::find_if_not(waiting, is_source);
        if (next == waiting.end()) next = waiting.begin();  // a circle: whichever is first, the refusal says why
        order.push_back(std::move(next->volume));
        waiting.erase(next);
    }
    return order;
}

}  // namespace

Result<> remove_vm(const Mount& mount, const VmReference& vm, const Removed& removed) {
    for (const auto& volume : TRY(in_order_of_removal(mount, vm))) TRY(remove_volume(mount, volume, removed));
    return remove_empty_vm(mount, vm, removed);
}

}  // namespace varve::mount_client
