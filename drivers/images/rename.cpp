// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/images/rename.h"

#include "drivers/api/overloaded.h"
#include "drivers/images/layout.h"
#include "drivers/images/listing.h"
#include "drivers/images/vm_directory.h"

#include <functional>

namespace varve::images {
namespace {

using api::Overloaded;
using base::Errc;
using base::fail;
using base::Result;
using base::VolumePath;
using records::Intent;
using records::RenameVm;
using records::RenameVolume;

std::string describe(const Intent& intent) {
    return std::visit(
        [](const auto& rename) {
            const auto text =
                Overloaded{[](const VolumePath& path) { return path.str(); }, [](const base::VmName& vm) { return vm.str(); }};
            return text(rename.from) + " -> " + text(rename.to);
        },
        intent);
}

// ---- sources
api::Source* source_of(api::Kind& kind) {
    if (auto* snapshot = std::get_if<api::Snapshot>(&kind)) return &snapshot->source;
    if (auto* both = std::get_if<api::OriginSnapshot>(&kind)) return &both->source;
    return nullptr;
}

// Changes the source of one volume, whose VM may have gone since the intent was written.
Result<> edit_source(Context& pool, const VolumePath& child, const std::function<void(VolumePath&)>& edit) {
    const auto vm = open_vm(pool, child.vm);
    if (!vm && vm.error().code == Errc::NotFound) return {};
    if (!vm) return base::Failure(vm.error());
    return edit_record(pool, vm->fd.get(), [&](records::VmRecord& record) {
        const auto found = record.volumes.find(child.volume);
        if (found == record.volumes.end()) return;
        if (auto* source = source_of(found->second.kind)) edit(source->volume);
    });
}

// ---- volumes
// Links, then unlinks: at no time, whatever part of it survives a crash, is a file without a name.
Result<> move_files(Context& pool, const VmDirectory& from_vm, const VmDirectory& to_vm, const RenameVolume& rename) {
    const auto listing = TRY(list_entries(pool, from_vm));
    const auto found = listing.volumes.find(rename.from.volume);
    if (found == listing.volumes.end()) return {};
    const int from = from_vm.fd.get();
    const int to = to_vm.fd.get();
    for (const auto& entry : found->second.all) {
        const auto old_name = file_name(entry);
        const auto new_name = file_name(with_volume(entry, rename.to.volume));
        auto linked = pool.files.link(from, old_name, to, new_name);
        if (!linked && linked.error().code == Errc::Exists &&
            TRY(pool.files.status(from, old_name)).inode == TRY(pool.files.status(to, new_name)).inode)
            linked = {};  // by the run that was interrupted
        TRY(std::move(linked));
        pool.log.operation(pool.settings.name.str() + "/" + rename.from.str(), "renamed", old_name, rename.to.vm.str() + "/" + new_name);
    }
    TRY(pool.files.sync(to));
    for (const auto& entry : found->second.all) TRY(pool.files.unlink(from, file_name(entry)));
    return pool.files.sync(from);
}

Result<> move_config(Context& pool, const VmDirectory& from_vm, const VmDirectory& to_vm, const RenameVolume& rename) {
    const auto old_record = TRY(records::read_record(pool.files, from_vm.fd.get()));
    const auto config = old_record.volumes.find(rename.from.volume);
    if (config == old_record.volumes.end()) return {};
    return edit_record(pool, to_vm.fd.get(),
                       [&](records::VmRecord& record) { record.volumes.insert_or_assign(rename.to.volume, config->second); });
}

Result<> forward(Context& pool, const RenameVolume& rename) {
    const auto from_vm = TRY(open_vm(pool, rename.from.vm));
    const auto to_vm = TRY(open_vm(pool, rename.to.vm));
    TRY(move_config(pool, from_vm, to_vm, rename));
    TRY(move_files(pool, from_vm, to_vm, rename));
    TRY(edit_record(pool, from_vm.fd.get(), [&](records::VmRecord& record) { record.volumes.erase(rename.from.volume); }));
    for (const auto& child : rename.children)
        TRY(edit_source(pool, child == rename.from ? rename.to : child, [&](VolumePath& source) {
            if (source == rename.from) source = rename.to;
        }));
    return {};
}

Result<> check_free(const Context& pool, const RenameVolume& rename) {
    const auto vm = TRY(open_vm(pool, rename.to.vm));
    if (TRY(list_entries(pool, vm)).volumes.contains(rename.to.volume)) return fail(Errc::Exists, rename.to.str() + " exists already");
    return {};
}

// ---- VMs
Result<> forward(Context& pool, const RenameVm& rename) {
    if (TRY(vm_exists(pool, rename.from))) {
        const auto vm = TRY(open_vm(pool, rename.from));
        const int folder = vm.folder_fd.get();
        TRY(pool.files.rename(folder, rename.from.str(), folder, rename.to.str(), kernel::FileSystem::Replace::Never));
        pool.log.operation(pool.settings.name.str() + "/" + rename.from.str(), "renamed", rename.from.str(), rename.to.str());
        TRY(pool.files.sync(folder));
    }
    for (const auto& child : rename.children) {
        const auto now = child.vm == rename.from ? VolumePath{rename.to, child.volume} : child;
        TRY(edit_source(pool, now, [&](VolumePath& source) {
            if (source.vm == rename.from) source.vm = rename.to;
        }));
    }
    return {};
}

Result<> check_free(const Context& pool, const RenameVm& rename) {
    if (TRY(vm_exists(pool, rename.to))) return fail(Errc::Exists, "the VM " + rename.to.str() + " exists already");
    (void)TRY(open_vm(pool, rename.from));
    return {};
}

// ---- both
RenameVolume reversed(const RenameVolume& rename) { return {rename.to, rename.from, rename.children}; }

RenameVm reversed(const RenameVm& rename) {
    auto back = RenameVm{rename.to, rename.from, rename.children};
    for (auto& child : back.children)
        if (child.vm == rename.from) child.vm = rename.to;
    return back;
}

Result<> go_forward(Context& pool, const Intent& intent) {
    return std::visit([&](const auto& rename) { return forward(pool, rename); }, intent);
}

Result<> go_back(Context& pool, const Intent& intent) {
    TRY(std::visit([&](const auto& rename) { return forward(pool, reversed(rename)); }, intent));
    return records::drop_intent(pool.files, pool.top.get());
}

base::Failure degraded(base::Error error, const Intent& intent) {
    error.code = Errc::Degraded;
    return base::Failure(
        base::with_context(std::move(error), "the rename " + describe(intent) + " is half done and is finished at the next start"));
}

Result<> recover_locked(Context& pool) {
    const auto intent = TRY(records::read_intent(pool.files, pool.top.get()));
    if (!intent) return {};
    TRY(go_forward(pool, *intent));
    return records::drop_intent(pool.files, pool.top.get());
}

}  // namespace

Result<> rename(Context& pool, const Intent& intent) {
    const std::lock_guard lock(pool.intent_mutex);
    TRY(recover_locked(pool));
    TRY(std::visit([&](const auto& rename) { return check_free(pool, rename); }, intent));
    // Point of no return for a crash: from here the next recovery goes forward.
    if (auto written = records::write_intent(pool.files, pool.top.get(), intent, pool.temporaries.next(std::string(records::intent_name)));
        !written) {
        (void)records::drop_intent(pool.files, pool.top.get());  // it may be there, when only its last sync failed
        return written;
    }
    if (const auto done = go_forward(pool, intent); !done) {
        if (const auto undone = go_back(pool, intent); !undone) return degraded(undone.error(), intent);
        return base::Failure(done.error());
    }
    if (const auto dropped = records::drop_intent(pool.files, pool.top.get()); !dropped) return degraded(dropped.error(), intent);
    return {};
}

Result<> recover_rename(Context& pool) {
    const std::lock_guard lock(pool.intent_mutex);
    return recover_locked(pool);
}

}  // namespace varve::images
