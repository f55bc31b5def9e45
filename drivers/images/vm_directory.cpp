// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/images/vm_directory.h"

#include "drivers/images/layout.h"
#include "drivers/records/intent.h"
#include "drivers/records/record_file.h"

#include <algorithm>
#include <set>

namespace varve::images {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using base::UniqueFd;
using base::VmName;
using kernel::FileSystem;
using kernel::FileType;

// nullopt instead of NotFound.
Result<std::optional<UniqueFd>> open_if_there(const FileSystem& files, int directory, const std::string& name) {
    auto opened = files.open_directory(directory, name);
    if (opened) return std::optional<UniqueFd>(std::move(*opened));
    if (opened.error().code == Errc::NotFound) return std::optional<UniqueFd>();
    return base::Failure(opened.error());
}

// A removed directory stays open, with no link left and nothing in it.
Result<> check_pool_is_there(const Context& pool) {
    const auto status = TRY(pool.files.status(pool.top.get()));
    if (status.links == 0)
        return fail(Errc::Io, "the directory " + pool.settings.dir_path + " of pool " + pool.settings.name.str() + " has vanished");
    return {};
}

Result<UniqueFd> open_or_make_folder(Context& pool, const std::string& folder) {
    if (auto there = TRY(open_if_there(pool.files, pool.top.get(), folder))) return std::move(*there);
    TRY(check_pool_is_there(pool));
    if (auto made = pool.files.make_directory(pool.top.get(), folder); !made && made.error().code != Errc::Exists)
        return base::Failure(made.error());
    TRY(pool.files.sync(pool.top.get()));
    return pool.files.open_directory(pool.top.get(), folder);
}

// "<vm>~<hex>": a VM directory that is being made or removed.
bool is_half_vm(const std::string& name) {
    const auto tilde = name.rfind('~');
    return tilde != std::string::npos && VmName::parse(name.substr(0, tilde)).has_value();
}

// Only the record and temporaries; anything else makes the directory stay.
Result<> remove_half_vm(Context& pool, int folder, const std::string& name) {
    {
        const auto directory = TRY(pool.files.open_directory(folder, name));
        for (const auto& entry : TRY(pool.files.list(directory.get()))) {
            const auto meaning = classify(entry.name);
            if (entry.type == FileType::Regular &&
                (std::holds_alternative<RecordFile>(meaning) || std::holds_alternative<TemporaryFile>(meaning)))
                TRY(pool.files.unlink(directory.get(), entry.name));
        }
    }
    return pool.files.remove_directory(folder, name);
}

Result<> check_empty(const Context& pool, const VmDirectory& vm) {
    for (const auto& entry : TRY(pool.files.list(vm.fd.get()))) {
        const auto meaning = classify(entry.name);
        if (entry.type == FileType::Regular && std::holds_alternative<RecordFile>(meaning)) continue;
        if (entry.type == FileType::Regular && std::holds_alternative<TemporaryFile>(meaning) &&
            !TRY(pool.files.open_for_writing(vm.fd.get(), entry.name)))
            continue;
        return fail(Errc::NotEmpty, "the VM " + vm.name.str() + " cannot be removed: its directory holds " + entry.name);
    }
    const auto record = TRY(records::read_record(pool.files, vm.fd.get()));
    for (const auto& [volume, config] : record.volumes)
        if (!std::holds_alternative<api::Origin>(config.kind))
            return fail(Errc::NotEmpty, "the VM " + vm.name.str() + " cannot be removed: it has the volume " + volume.str());
    return {};
}

// After the point of no return of a VM's creation or removal.
Result<> sync_folder(Context& pool, int folder, const VmName& vm) {
    const auto synced = pool.files.sync(folder);
    if (synced) return {};
    auto error = base::with_context(synced.error(), "the VM " + vm.str() + " has changed, but the change may not be on disk");
    error.code = Errc::Degraded;
    return base::Failure(std::move(error));
}

}  // namespace

Result<VmDirectory> open_vm(const Context& pool, const VmName& vm) {
    for (const std::string folder : vm_folders) {
        auto folder_fd = TRY(open_if_there(pool.files, pool.top.get(), folder));
        if (!folder_fd) continue;
        if (auto fd = TRY(open_if_there(pool.files, folder_fd->get(), vm.str())))
            return VmDirectory{vm, folder, std::move(*folder_fd), std::move(*fd)};
    }
    TRY(check_pool_is_there(pool));
    return fail(Errc::NotFound, "pool " + pool.settings.name.str() + " has no VM " + vm.str());
}

Result<bool> vm_exists(const Context& pool, const VmName& vm) {
    const auto opened = open_vm(pool, vm);
    if (opened) return true;
    if (opened.error().code == Errc::NotFound) return false;
    return base::Failure(opened.error());
}

Result<std::vector<VmName>> list_vms(const Context& pool) {
    TRY(check_pool_is_there(pool));
    std::set<VmName> names;
    for (const std::string folder : vm_folders) {
        const auto folder_fd = TRY(open_if_there(pool.files, pool.top.get(), folder));
        if (!folder_fd) continue;
        for (const auto& entry : TRY(pool.files.list(folder_fd->get()))) {
            if (entry.type != FileType::Directory) continue;
            if (auto name = VmName::parse(entry.name)) names.insert(std::move(*name));
        }
    }
    return std::vector<VmName>(names.begin(), names.end());
}

Result<> create_vm(Context& pool, const VmName& vm, const api::Ownership& ownership) {
    if (TRY(vm_exists(pool, vm))) return fail(Errc::Exists, "the VM " + vm.str() + " exists already");
    const auto folder = TRY(open_or_make_folder(pool, folder_of_new_vms));
    const auto half = pool.temporaries.next(vm.str());
    TRY(pool.files.make_directory(folder.get(), half));
    const auto make = [&]() -> Result<> {
        const auto directory = TRY(pool.files.open_directory(folder.get(), half));
        records::VmRecord record;
        record.ownership = ownership;
        record.created = pool.clock.now();
        const std::string record_name(records::record_name);
        TRY(records::write_record(pool.files, directory.get(), record, pool.temporaries.next(record_name)));
        // Point of no return.
        return pool.files.rename(folder.get(), half, folder.get(), vm.str(), FileSystem::Replace::Never);
    };
    if (auto made = make(); !made) {
        (void)remove_half_vm(pool, folder.get(), half);  // swept at the next start when this fails too
        return made;
    }
    pool.log.operation(pool.settings.name.str() + "/" + vm.str(), "created", vm.str());
    return sync_folder(pool, folder.get(), vm);
}

Result<> remove_vm(Context& pool, const VmName& vm) {
    const auto directory = TRY(open_vm(pool, vm));
    TRY(check_empty(pool, directory));
    const auto half = pool.temporaries.next(vm.str());
    const int folder = directory.folder_fd.get();
    // Point of no return: under the other name it is swept at the next start.
    TRY(pool.files.rename(folder, vm.str(), folder, half, FileSystem::Replace::Never));
    pool.log.operation(pool.settings.name.str() + "/" + vm.str(), "removed", vm.str());
    TRY(sync_folder(pool, folder, vm));
    if (const auto removed = remove_half_vm(pool, folder, half); !removed)
        pool.log.warning(pool.settings.name.str() + "/" + vm.str(), half + " stays until the next start: " + removed.error().message());
    return {};
}

Result<> sweep_places(Context& pool) {
    const auto who = pool.settings.name.str();
    const auto intent_temporary = std::string(records::intent_name) + "~";
    for (const auto& entry : TRY(pool.files.list(pool.top.get()))) {
        const bool ours = std::holds_alternative<TemporaryFile>(classify(entry.name)) || entry.name.starts_with(intent_temporary);
        if (!ours || entry.type != FileType::Regular || TRY(pool.files.open_for_writing(pool.top.get(), entry.name))) continue;
        TRY(pool.files.unlink(pool.top.get(), entry.name));
        pool.log.operation(who, "removed", entry.name);
    }
    for (const std::string folder : vm_folders) {
        const auto folder_fd = TRY(open_if_there(pool.files, pool.top.get(), folder));
        if (!folder_fd) continue;
        for (const auto& entry : TRY(pool.files.list(folder_fd->get()))) {
            if (entry.type != FileType::Directory || !is_half_vm(entry.name)) continue;
            if (const auto removed = remove_half_vm(pool, folder_fd->get(), entry.name))
                pool.log.operation(who, "removed", entry.name);
            else
                pool.log.warning(who, entry.name + " stays: " + removed.error().message());
        }
    }
    return {};
}

Result<> edit_record(Context& pool, int vm_directory, const std::function<void(records::VmRecord&)>& edit) {
    const auto before = TRY(records::read_record(pool.files, vm_directory));
    auto after = before;
    edit(after);
    if (after == before) return {};
    const std::string record_name(records::record_name);
    return records::write_record(pool.files, vm_directory, after, pool.temporaries.next(record_name));
}

}  // namespace varve::images
