// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/api/overloaded.h"
#include "fs/fuse/server.h"
#include "fs/paths/entry_name.h"

#include <climits>
#include <cstring>

namespace varve::fuse {

using base::Errc;
using base::fail;
using base::Result;

namespace {

base::Error not_here(std::string_view what) { return {Errc::Denied, {}, std::string(what) + " here; volumes live in pools/<pool>/<vm>/"}; }

}  // namespace

void Server::mknod(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t, dev_t) {
    const auto directory = node(parent);
    if (!directory) return refuse(request, {"mknod", name}, directory.error());
    refuse(request, {"mknod", path_in(**directory, name)}, {Errc::Denied, {}, "Varve has no device nodes, sockets or pipes"});
}

void Server::mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode) {
    const auto directory = node(parent);
    if (!directory) return refuse(request, {"mkdir", name}, directory.error());
    const Operation operation{"mkdir", path_in(**directory, name)};
    const auto* pool = std::get_if<PoolDir>(&**directory);
    if (pool == nullptr)
        return refuse(request, operation,
                      {Errc::Denied, {}, "directories are made only in a pool, as the place of a VM; `varve pool add` makes pools"});
    if (std::strlen(name) > NAME_MAX) return (void)fuse_reply_err(request, ENAMETOOLONG);
    const auto vm = base::VmName::parse(name);
    if (!vm) return refuse(request, operation, vm.error());
    constexpr mode_t permissions = 07777;
    if (const auto made = with_.volumes.make_vm(*pool->pool, *vm, mode & permissions); !made)
        return refuse(request, operation, made.error());
    reply_entry(request, operation, **directory, name);
}

void Server::rmdir(fuse_req_t request, fuse_ino_t parent, const char* name) {
    const auto directory = node(parent);
    if (!directory) return refuse(request, {"rmdir", name}, directory.error());
    const Operation operation{"rmdir", path_in(**directory, name)};
    const auto found = tree_.look_up(**directory, name, 0);
    if (!found) return refuse(request, operation, found.error());
    const auto* vm = std::get_if<VmDir>(&found->node);
    if (vm == nullptr)
        return refuse(request, operation, {Errc::Denied, {}, "only a VM's directory can be removed; `varve pool rm` removes pools"});
    done(request, operation, with_.volumes.remove_vm(vm->vm));
}

Result<> Server::remove_name(const engine::VmPtr& vm, std::string_view name) {
    return std::visit(
        api::Overloaded{
            [&](const paths::VolumeEntry& volume) {
                return with_.volumes.remove({vm, volume.volume});
            },
            [&](const paths::RevisionEntry& revision) -> Result<> {
                TRY(vm->writes().wait_closed(std::string(name), with_.volumes.settings().wait_busy));
                return with_.volumes.remove_revision({vm, revision.volume}, revision.revision);
            },
            [&](const paths::CurrentEntry&) -> Result<> {
                return fail(Errc::ReadOnly, "@current is an alias of the committed state; remove that");
            },
            [&](const paths::ScratchEntry& scratch) { return with_.writes.remove_scratch(*vm, scratch.name); },
            [&](const paths::ControlEntry&) -> Result<> { return fail(Errc::Denied, ".varve is the control tree and cannot be removed"); },
        },
        TRY(paths::parse_entry(name)));
}

void Server::unlink(fuse_req_t request, fuse_ino_t parent, const char* name) {
    const auto directory = node(parent);
    if (!directory) return refuse(request, {"unlink", name}, directory.error());
    const Operation operation{"unlink", path_in(**directory, name)};
    const auto* vm = std::get_if<VmDir>(&**directory);
    if (vm == nullptr) return refuse(request, operation, not_here("nothing can be removed"));
    done(request, operation, remove_name(vm->vm, name));
}

void Server::symlink(fuse_req_t request, const char* target, fuse_ino_t parent, const char* name) {
    const auto directory = node(parent);
    if (!directory) return refuse(request, {"symlink", name}, directory.error());
    const Operation operation{"symlink", path_in(**directory, name)};
    const auto* vm = std::get_if<VmDir>(&**directory);
    if (vm == nullptr) return refuse(request, operation, not_here("no links can be made"));
    const auto entry = paths::parse_entry(name);
    if (!entry) return refuse(request, operation, entry.error());
    Result<> made = fail(Errc::InvalidArgument, "only a volume can be a link to its source");
    if (const auto* volume = std::get_if<paths::VolumeEntry>(&*entry)) {
        made = tree_.look_up(**directory, name, 0) ? Result<>(fail(Errc::Exists, std::string(name) + " exists already"))
                                                   : with_.writes.link_source({vm->vm, volume->volume}, target);
    } else if (const auto* scratch = std::get_if<paths::ScratchEntry>(&*entry)) {
        if (auto link = with_.writes.create_scratch_link(vm->vm, scratch->name, target))
            made = {};
        else
            made = base::Failure(std::move(link).error());
    }
    if (!made) return refuse(request, operation, made.error());
    reply_entry(request, operation, **directory, name);
}

// A link is a snapshot: a new state with an inode of its own.
Result<> Server::make_link(const Node& from, const engine::VmPtr& vm, std::string_view name) {
    const auto* file = std::get_if<StateFile>(&from);
    const auto shown = file != nullptr ? find_shown(file->volume, file->state) : std::nullopt;
    if (!shown || shown->revision != nullptr)
        return fail(Errc::Denied,
                    "only a volume's committed state can be linked, which takes a labelled revision: ln root.img root.img@label");
    const auto entry = TRY(paths::parse_entry(name));
    if (const auto* scratch = std::get_if<paths::ScratchEntry>(&entry)) {
        (void)TRY(with_.writes.create_scratch_snapshot(file->volume, vm, scratch->name));  // found again by its name
        return {};
    }
    const auto* revision = std::get_if<paths::RevisionEntry>(&entry);
    if (revision == nullptr) return fail(Errc::Denied, "a volume can be linked only to a revision of itself: ln root.img root.img@label");
    if (vm != file->volume.vm || revision->volume != file->volume.volume)
        return fail(Errc::InvalidArgument, "a volume can be linked only to a revision of itself: ln root.img root.img@label");
    const auto* label = revision->revision.label();
    if (label == nullptr)
        return fail(Errc::InvalidArgument, "a revision that is taken now needs a label; times are given by the states themselves");
    return with_.volumes.take_snapshot(file->volume, *label);
}

void Server::link(fuse_req_t request, fuse_ino_t id, fuse_ino_t new_parent, const char* new_name) {
    const auto from = node(id);
    const auto directory = node(new_parent);
    if (!from || !directory) return (void)fuse_reply_err(request, ESTALE);
    const Operation operation{"link", path_in(**directory, new_name)};
    const auto* vm = std::get_if<VmDir>(&**directory);
    if (vm == nullptr) return refuse(request, operation, not_here("no links can be made"));
    if (const auto made = make_link(**from, vm->vm, new_name); !made) return refuse(request, operation, made.error());
    reply_entry(request, operation, **directory, new_name);
}

}  // namespace varve::fuse
