// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/file_reflink/reflink_pool.h"

#include "drivers/api/overloaded.h"
#include "drivers/file_reflink/commit.h"
#include "drivers/file_reflink/precache.h"
#include "drivers/file_reflink/rename.h"
#include "drivers/file_reflink/revisions.h"
#include "drivers/file_reflink/scan.h"
#include "drivers/file_reflink/session.h"
#include "drivers/file_reflink/state_files.h"
#include "drivers/file_reflink/verify.h"
#include "drivers/file_reflink/vm_directory.h"
#include "drivers/file_reflink/volume_life.h"

namespace varve::file_reflink {

using api::VolumeView;
using base::Errc;
using base::fail;
using base::Result;
using base::VmName;
using base::VolumePath;

api::Capabilities ReflinkPool::capabilities() const {
    const auto method = context_->method;
    return {.revisions = true,
            .label = method,
            .clone = method,
            .transaction = method,
            .origin_snapshot = true,
            .no_snapshot_layer = true,
            .ephemeral = false,
            .clone_ranges = method == api::Method::Clone};
}

Result<api::Space> ReflinkPool::space() const {
    const auto found = TRY(context_->files.space(context_->top.get()));
    return api::Space{found.size, found.size - found.free, found.available};
}

std::vector<std::pair<std::string, std::string>> ReflinkPool::parameters() const {
    return {{"dir_path", context_->settings.dir_path}, {"setup_check", context_->settings.setup_check ? "true" : "false"}};
}

std::optional<std::filesystem::path> ReflinkPool::lock_directory() const { return context_->settings.dir_path; }

// ---- the places of VMs
Result<> ReflinkPool::recover() {
    TRY(recover_rename(*context_));
    return sweep_places(*context_);
}

Result<std::vector<VmName>> ReflinkPool::list_vms() const { return file_reflink::list_vms(*context_); }

Result<api::VmView> ReflinkPool::load_vm(const VmName& vm) {
    const auto directory = TRY(open_vm(*context_, vm));
    auto view = file_reflink::load_vm(*context_, directory);
    if (!view) return base::Failure(base::with_context(view.error(), "the VM " + vm.str()));
    return view;
}

Result<> ReflinkPool::create_vm(const VmName& vm, const api::Ownership& ownership) {
    return file_reflink::create_vm(*context_, vm, ownership);
}
Result<> ReflinkPool::remove_vm(const VmName& vm) { return file_reflink::remove_vm(*context_, vm); }

Result<> ReflinkPool::set_ownership(const VmName& vm, const api::Ownership& ownership) {
    const auto directory = TRY(open_vm(*context_, vm));
    return edit_record(*context_, directory.fd.get(), [&](records::VmRecord& record) { record.ownership = ownership; });
}

Result<> ReflinkPool::rename_vm(const VmName& from, const VmName& to, const std::vector<VolumePath>& children) {
    return rename(*context_, records::RenameVm{from, to, children});
}

// ---- volumes
Result<std::optional<VolumeView>> ReflinkPool::run(const VolumePath& volume, const VolumeView* present, const api::Command& command) {
    const auto vm = TRY(open_vm(*context_, volume.vm));
    VolumeFiles files(*context_, vm, volume.volume);
    using View = Result<VolumeView>;
    auto view = std::visit(api::Overloaded{
                               [&](const api::Create& create) { return file_reflink::create(files, create); },
                               [&](const api::RemoveCommitted&) { return remove_committed(files, *present); },
                               [&](const api::RemoveRevision& remove) { return remove_revision(files, *present, remove.revision); },
                               [&](const api::Start& start) { return file_reflink::start(files, *present, start); },
                               [&](const api::Stop& stop) { return file_reflink::stop(files, *present, stop); },
                               [&](const api::Revert& revert) { return file_reflink::revert(files, *present, revert); },
                               [&](const api::Resize& resize) { return file_reflink::resize(files, *present, resize.size); },
                               [&](const api::TakeSnapshot& take) { return take_snapshot(files, *present, take.label); },
                               [&](const api::RenameRevision& rename) { return rename_revision(files, *present, rename); },
                               [&](const api::Publish& command_) { return publish(files, present, command_); },
                               [&](const api::SetTime& set) { return set_time(files, *present, set); },
                               [&](const api::Configure& configure) { return file_reflink::configure(files, *present, configure.config); },
                               [&](const api::Prune& command_) -> View {
                                   auto pruned = *present;
                                   prune(files, pruned, command_.retention);
                                   TRY(files.sync_directory());
                                   return pruned;
                               },
                           },
                           command);
    if (!view) return base::Failure(std::move(view).error());
    const bool removes = std::holds_alternative<api::RemoveCommitted>(command) || std::holds_alternative<api::RemoveRevision>(command) ||
                         (std::holds_alternative<api::Prune>(command) && !present->revisions.empty());
    if (removes) return forget_if_empty(files, *view);
    return std::optional(*std::move(view));
}

Result<VolumeView> ReflinkPool::publish(VolumeFiles& files, const VolumeView* present, const api::Publish& command) {
    const auto image_vm = TRY(images_.directory_of(*command.image));
    if (present == nullptr) TRY(forget_record(files));
    const Incoming image{command.image->fd(), image_vm->fd.get(), command.image->handle()};
    auto view = file_reflink::publish(files, present, command, image);
    // Degraded: the rename is done, and the name the image had may mean something else some day.
    if (view || view.error().code == Errc::Degraded) images_.forget(command.image->handle());
    return view;
}

Result<std::optional<VolumeView>> ReflinkPool::load_volume(const VolumePath& volume, const VolumeView* known) {
    const auto vm = open_vm(*context_, volume.vm);
    if (!vm && vm.error().code == Errc::NotFound) return std::optional<VolumeView>();
    if (!vm) return base::Failure(vm.error());
    return file_reflink::load_volume(*context_, *vm, volume.volume, known);
}

Result<> ReflinkPool::rename_volume(const VolumePath& from, const VolumePath& to, const VolumeView& present,
                                    const std::vector<VolumePath>& children) {
    if (present.session)
        return fail(Errc::Busy, from.str() + " cannot be renamed while it is " +
                                    (present.session->phase == api::Session::Phase::Started ? "started" : "dirty"));
    return rename(*context_, records::RenameVolume{from, to, children});
}

// ---- data
Result<base::UniqueFd> ReflinkPool::open_state(const VolumePath& volume, const VolumeView& view, const api::StateRef& state) const {
    const auto vm = TRY(open_vm(*context_, volume.vm));
    return file_reflink::open_state(VolumeFiles(*context_, vm, volume.volume), view, state);
}

Result<api::PrivateImage> ReflinkPool::create_image(const VmName& vm, std::optional<int> content) {
    return images_.make(TRY(open_vm(*context_, vm)), content);
}

Result<> ReflinkPool::clone_range(int from, base::Bytes from_offset, api::PrivateImage& to, base::Bytes to_offset, base::Bytes length) {
    return context_->files.clone_range(from, from_offset, to.fd(), to_offset, length);
}

Result<std::filesystem::path> ReflinkPool::device(const VolumePath& volume, const VolumeView& view) const {
    if (!view.session || view.session->phase != api::Session::Phase::Started)
        return fail(Errc::NotFound, volume.str() + " has no device: it is not started");
    const auto vm = TRY(open_vm(*context_, volume.vm));
    const VolumeFiles files(*context_, vm, volume.volume);
    if (!TRY(files.exists(files.dirty())))
        return fail(Errc::NotFound, "the image " + files.dirty() + " of " + volume.str() + " has vanished");
    return std::filesystem::path(context_->settings.dir_path) / vm.folder / volume.vm.str() / files.dirty();
}

Result<base::Bytes> ReflinkPool::exclusive(const VolumePath& volume, const VolumeView& view, const api::StateRef& state) const {
    const auto file = TRY(open_state(volume, view, state));
    return context_->files.exclusive(file.get());
}

Result<> ReflinkPool::prepare_start(const VolumePath& volume, const VolumeView& present, const LockIfCurrent& lock_if_current) {
    const auto vm = TRY(open_vm(*context_, volume.vm));
    VolumeFiles files(*context_, vm, volume.volume);
    return build_precache(files, present, lock_if_current);
}

Result<std::vector<api::Finding>> ReflinkPool::verify(const VmName& vm) const {
    return file_reflink::verify(*context_, TRY(open_vm(*context_, vm)));
}

}  // namespace varve::file_reflink
