// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/file/convert.h"

#include "drivers/file/cow_states.h"
#include "drivers/file/file_driver.h"
#include "drivers/images/rename.h"
#include "drivers/images/scan.h"

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace varve::file {
namespace {

using api::VmView;
using api::VolumeView;
using base::Errc;
using base::fail;
using base::Result;
using images::VmDirectory;
using images::VolumeFiles;

struct Vm {
    VmDirectory directory;
    VmView view;
};

Result<> check_halted(const VolumeFiles& files, const VolumeView& view) {
    if (!view.session) return {};
    const bool dirty = view.session->phase == api::Session::Phase::Dirty;
    return fail(Errc::Busy, files.who() + (dirty ? " is dirty: stop it to commit what its session wrote, or discard that"
                                                 : " is started: shut its VM down and stop it"));
}

Result<std::vector<Vm>> load_halted(images::Context& pool) {
    std::vector<Vm> vms;
    const auto names = TRY(images::list_vms(pool));
    for (const auto& name : names) {
        auto directory = TRY(images::open_vm(pool, name));
        auto view = TRY(images::load_vm(pool, directory));
        for (const auto& [volume, state] : view.volumes) TRY(check_halted(VolumeFiles(pool, directory, volume), *state));
        vms.push_back({std::move(directory), std::move(view)});
    }
    return vms;
}

Result<> leave_images(images::Context& pool, const Vm& vm) {
    for (const auto& [volume, view] : vm.view.volumes) {
        VolumeFiles files(pool, vm.directory, volume);
        if (view->committed) TRY(pool.driver->before_replacing(files, *view));
        // What is left holds no state: it is invalid, or was a snapshot's whose session has ended.
        for (const auto& name : {cow_name(files), old_cow_name(files)}) (void)TRY(files.remove(name));
    }
    return pool.files.sync(vm.directory.fd.get());
}

// Whether that file of the directory keeps something which is in no image.
Result<bool> keeps_something(const kernel::FileSystem& files, int directory, const std::set<std::string>& names, const std::string& name) {
    const auto entry = images::classify(name);
    if (std::holds_alternative<images::SessionFile>(entry) || std::holds_alternative<images::BaseCowFile>(entry)) return true;
    const bool old = std::holds_alternative<images::OldCowFile>(entry);
    if (!old && !std::holds_alternative<images::CowFile>(entry)) return false;
    if (!names.contains(images::file_name(images::CommittedFile{*images::volume_of(entry)}))) return false;  // it stands on nothing
    const auto cow = TRY(files.open_file(directory, name, kernel::FileSystem::Access::Read));
    const auto use = TRY(use_of_file(cow.get()));
    return old ? use != CowUse::Invalid : use != CowUse::Unused;
}

Result<> check_directory(const kernel::FileSystem& files, int directory, const std::filesystem::path& path) {
    std::set<std::string> names;
    const auto entries = TRY(files.list(directory));
    for (const auto& [name, type] : entries)
        if (type == kernel::FileType::Regular) names.insert(name);
    for (const auto& name : names)
        if (TRY(keeps_something(files, directory, names, name)))
            return fail(Errc::Corrupt, (path / name).string() +
                                           " is the driver file's, and what it keeps would be lost to another driver; "
                                           "convert the pool first, with varve pool convert");
    return {};
}

}  // namespace

Result<> convert_to_images(const Settings& settings, const Kernel& kernel, api::StateIds& state_ids, const base::Clock& clock,
                           spdlog::logger& log, const kernel::BootId& boot_id) {
    const auto pool = TRY(open_context(settings, kernel, state_ids, clock, log, boot_id));
    TRY(images::recover_rename(*pool));
    TRY(images::sweep_places(*pool));
    TRY(pool->driver->recover());
    const auto vms = TRY(load_halted(*pool));
    for (const auto& vm : vms) TRY(leave_images(*pool, vm));
    return {};
}

Result<> check_images_alone(const kernel::FileSystem& files, const std::string& dir_path) {
    const auto top = TRY(files.open_top(dir_path));
    for (const std::string folder_name : images::vm_folders) {
        const auto folder = files.open_directory(top.get(), folder_name);
        if (!folder && folder.error().code == Errc::NotFound) continue;
        if (!folder) return base::Failure(folder.error());
        const auto vms = TRY(files.list(folder->get()));
        for (const auto& [name, type] : vms) {
            if (type != kernel::FileType::Directory || !base::VmName::parse(name)) continue;
            const auto directory = TRY(files.open_directory(folder->get(), name));
            TRY(check_directory(files, directory.get(), std::filesystem::path(folder_name) / name));
        }
    }
    return {};
}

}  // namespace varve::file
