// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/remove.h"

#include "fs/protocol/names.h"
#include "orchestrator/mount_client/inventory.h"

#include <system_error>

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

Result<> remove_vm(const Mount& mount, const VmReference& vm, const Removed& removed) {
    for (const auto& volume : TRY(volumes(mount, vm))) TRY(remove_volume(mount, {vm.pool, vm.vm, volume}, removed));
    return remove_empty_vm(mount, vm, removed);
}

}  // namespace varve::mount_client
