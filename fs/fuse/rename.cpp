// SPDX-License-Identifier: LGPL-2.1-or-later
// rename(2): the one call behind revert, pin, commit by rename, and the renames of volumes and VMs.
#include "drivers/api/overloaded.h"
#include "fs/fuse/server.h"
#include "fs/paths/entry_name.h"

#include <cstdio>

namespace varve::fuse {

using base::Errc;
using base::fail;
using base::Result;

Result<> Server::rename_in_vms(const engine::VmPtr& vm, std::string_view name, const engine::VmPtr& new_vm, std::string_view new_name) {
    const auto from = TRY(paths::parse_entry(name));
    const auto to = TRY(paths::parse_entry(new_name));
    if (&vm->pool() != &new_vm->pool()) return fail(Errc::CrossPool, "it leads to another pool; copy it there instead");

    const auto* to_volume = std::get_if<paths::VolumeEntry>(&to);
    const auto* to_revision = std::get_if<paths::RevisionEntry>(&to);
    if (const auto* scratch = std::get_if<paths::ScratchEntry>(&from)) {
        if (to_volume != nullptr) return with_.writes.publish_scratch(*vm, scratch->name, {new_vm, to_volume->volume}, {});
        if (to_revision != nullptr)
            return with_.writes.publish_scratch(*vm, scratch->name, {new_vm, to_revision->volume}, to_revision->revision);
        if (const auto* to_scratch = std::get_if<paths::ScratchEntry>(&to))
            return with_.writes.rename_scratch(*vm, scratch->name, *new_vm, to_scratch->name);
        return fail(Errc::ReadOnly, std::string(new_name) + " cannot be replaced");
    }
    if (const auto* volume = std::get_if<paths::VolumeEntry>(&from)) {
        if (to_volume == nullptr)
            return fail(Errc::InvalidArgument,
                        "a volume can only be renamed to another volume's name, <volume>.img; ln takes a labelled revision");
        return with_.volumes.rename({vm, volume->volume}, {new_vm, to_volume->volume});
    }
    if (const auto* revision = std::get_if<paths::RevisionEntry>(&from)) {
        const engine::VolumeRef volume{vm, revision->volume};
        const auto same = [&](const base::VolumeName& target) { return vm == new_vm && target == revision->volume; };
        if (to_volume != nullptr && same(to_volume->volume))
            return with_.volumes.revert(volume, revision->revision, api::Revert::Revision::Move);
        if (to_revision != nullptr && same(to_revision->volume)) {
            const auto* label = to_revision->revision.label();
            if (label == nullptr) return fail(Errc::InvalidArgument, "a revision's time cannot be changed; give it a label to pin it");
            return with_.volumes.rename_revision(volume, revision->revision, *label);
        }
        return fail(Errc::InvalidArgument,
                    "a revision can be moved only onto its own volume (revert) or to a label of it (pin); cp copies it elsewhere");
    }
    if (std::holds_alternative<paths::CurrentEntry>(from)) return fail(Errc::ReadOnly, "@current is an alias of the committed state");
    return fail(Errc::Denied, ".varve is the control tree and cannot be renamed");
}

Result<> Server::rename_entry(const Node& parent, std::string_view name, const Node& new_parent, std::string_view new_name,
                              unsigned int flags) {
    if ((flags & RENAME_EXCHANGE) != 0)
        return fail(Errc::InvalidArgument, "two states cannot be exchanged in one step; mv one of them away first");
    if ((flags & ~static_cast<unsigned int>(RENAME_NOREPLACE)) != 0)
        return fail(Errc::InvalidArgument, "Varve knows no such flag of renameat2");
    if ((flags & RENAME_NOREPLACE) != 0 && tree_.look_up(new_parent, new_name, 0))
        return fail(Errc::Exists, std::string(new_name) + " exists already");

    if (const auto* from = std::get_if<VmDir>(&parent)) {
        const auto* to = std::get_if<VmDir>(&new_parent);
        if (to == nullptr) return fail(Errc::InvalidArgument, "a volume stays in a VM's directory");
        return rename_in_vms(from->vm, name, to->vm, new_name);
    }
    const auto* pool = std::get_if<PoolDir>(&parent);
    const auto* new_pool = std::get_if<PoolDir>(&new_parent);
    if (pool == nullptr || new_pool == nullptr)
        return fail(Errc::Denied, "only VM directories, volumes, revisions and scratch files can be renamed");
    if (pool->pool != new_pool->pool) return fail(Errc::CrossPool, "it leads to another pool; copy it there instead");
    const auto from = TRY(base::VmName::parse(name));
    const auto to = TRY(base::VmName::parse(new_name));
    const auto vm = pool->pool->find(from);
    if (!vm) return fail(Errc::NotFound, "there is no VM " + from.str());
    return with_.volumes.rename_vm(vm, to);
}

// The kernel has moved the inode it knew under the old name to the new one: a scratch file's inode stands for a state now, a snapshot
// volume's link for another volume. States and VM directories keep their identity anyway.
void Server::after_rename(const Node& moved, const Node& new_parent, std::string_view new_name) {
    const auto id = with_.nodes.find(moved);
    if (!id) return;
    if (auto now = tree_.look_up(new_parent, new_name, 0)) with_.nodes.rebind(*id, std::move(now->node));
    with_.notifier.forget_attributes(*id);
}

void Server::rename(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t new_parent, const char* new_name,
                    unsigned int flags) {
    const auto from = node(parent);
    const auto to = node(new_parent);
    if (!from || !to) return (void)fuse_reply_err(request, ESTALE);
    const Operation operation{"rename", path_in(**from, name)};
    const auto moved = tree_.look_up(**from, name, 0);
    if (!moved) return refuse(request, operation, moved.error());
    const auto renamed = rename_entry(**from, name, **to, new_name, flags);
    if (!renamed) return refuse(request, operation, renamed.error());
    after_rename(moved->node, **to, new_name);
    (void)fuse_reply_err(request, 0);
}

}  // namespace varve::fuse
