// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/images/image_pool.h"

#include "drivers/api/overloaded.h"
#include "drivers/images/commit.h"
#include "drivers/images/driver.h"
#include "drivers/images/rename.h"
#include "drivers/images/revisions.h"
#include "drivers/images/scan.h"
#include "drivers/images/verify.h"
#include "drivers/images/vm_directory.h"
#include "drivers/images/volume_life.h"

namespace varve::images {

using api::VolumeView;
using base::Errc;
using base::fail;
using base::Result;
using base::VmName;
using base::VolumePath;

api::Capabilities ImagePool::capabilities() const { return context_->driver->capabilities(); }

Result<api::Space> ImagePool::space() const {
    const auto found = TRY(context_->files.space(context_->top.get()));
    return api::Space{found.size, found.size - found.free, found.available};
}

std::vector<std::pair<std::string, std::string>> ImagePool::parameters() const { return context_->driver->parameters(); }

std::optional<std::filesystem::path> ImagePool::lock_directory() const { return context_->settings.dir_path; }

// ---- the places of VMs
Result<> ImagePool::recover() {
    TRY(recover_rename(*context_));
    TRY(sweep_places(*context_));
    return context_->driver->recover();
}

Result<std::vector<VmName>> ImagePool::list_vms() const { return images::list_vms(*context_); }

Result<api::VmView> ImagePool::load_vm(const VmName& vm) {
    const auto directory = TRY(open_vm(*context_, vm));
    auto view = images::load_vm(*context_, directory);
    if (!view) return base::Failure(base::with_context(view.error(), "the VM " + vm.str()));
    return view;
}

Result<> ImagePool::create_vm(const VmName& vm, const api::Ownership& ownership) { return images::create_vm(*context_, vm, ownership); }
Result<> ImagePool::remove_vm(const VmName& vm) { return images::remove_vm(*context_, vm); }

Result<> ImagePool::set_ownership(const VmName& vm, const api::Ownership& ownership) {
    const auto directory = TRY(open_vm(*context_, vm));
    return edit_record(*context_, directory.fd.get(), [&](records::VmRecord& record) { record.ownership = ownership; });
}

Result<> ImagePool::rename_vm(const VmName& from, const VmName& to, const std::vector<VolumePath>& children) {
    return rename(*context_, records::RenameVm{from, to, children});
}

// ---- volumes
Result<std::optional<VolumeView>> ImagePool::run(const VolumePath& volume, const VolumeView* present, const api::Command& command) {
    const auto vm = TRY(open_vm(*context_, volume.vm));
    VolumeFiles files(*context_, vm, volume.volume);
    using View = Result<VolumeView>;
    auto view = std::visit(api::Overloaded{
                               [&](const api::Create& create) { return images::create(files, create); },
                               [&](const api::RemoveCommitted&) { return remove_committed(files, *present); },
                               [&](const api::RemoveRevision& remove) { return remove_revision(files, *present, remove.revision); },
                               [&](const api::Start& start) { return context_->driver->start(files, *present, start); },
                               [&](const api::Stop& stop) { return context_->driver->stop(files, *present, stop); },
                               [&](const api::Commit& commit) { return context_->driver->commit(files, *present, commit); },
                               [&](const api::Revert& revert) { return images::revert(files, *present, revert); },
                               [&](const api::Resize& resize) { return context_->driver->resize(files, *present, resize.size); },
                               [&](const api::TakeSnapshot& take) { return take_snapshot(files, *present, take.label); },
                               [&](const api::RenameRevision& rename) { return rename_revision(files, *present, rename); },
                               [&](const api::Publish& command_) { return publish(files, present, command_); },
                               [&](const api::SetTime& set) { return set_time(files, *present, set); },
                               [&](const api::Configure& configure) { return images::configure(files, *present, configure.config); },
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
    if (view->committed && !view->session) view->degraded.clear();  // what was wrong was the lost state's, or the session's
    if (removes) return forget_if_empty(files, *view);
    return std::optional(*std::move(view));
}

Result<VolumeView> ImagePool::publish(VolumeFiles& files, const VolumeView* present, const api::Publish& command) {
    const auto image_vm = TRY(images_.directory_of(*command.image));
    if (present == nullptr) TRY(forget_record(files));
    const Incoming image{command.image->fd(), image_vm->fd.get(), command.image->handle()};
    auto view = images::publish(files, present, command, image);
    // Degraded: the rename is done, and the name the image had may mean something else some day.
    if (view || view.error().code == Errc::Degraded) images_.forget(command.image->handle());
    return view;
}

Result<std::optional<VolumeView>> ImagePool::load_volume(const VolumePath& volume, const VolumeView* known) {
    const auto vm = open_vm(*context_, volume.vm);
    if (!vm && vm.error().code == Errc::NotFound) return std::optional<VolumeView>();
    if (!vm) return base::Failure(vm.error());
    return images::load_volume(*context_, *vm, volume.volume, known);
}

Result<> ImagePool::rename_volume(const VolumePath& from, const VolumePath& to, const VolumeView& present,
                                  const std::vector<VolumePath>& children) {
    if (present.session)
        return fail(Errc::Busy, from.str() + " cannot be renamed while it is " +
                                    (present.session->phase == api::Session::Phase::Started ? "started" : "dirty"));
    return rename(*context_, records::RenameVolume{from, to, children});
}

// ---- data
Result<base::UniqueFd> ImagePool::open_state(const VolumePath& volume, const VolumeView& view, const api::StateRef& state) const {
    const auto vm = TRY(open_vm(*context_, volume.vm));
    return context_->driver->open_state(VolumeFiles(*context_, vm, volume.volume), view, state);
}

Result<api::PrivateImage> ImagePool::create_image(const VmName& vm, std::optional<int> content) {
    return images_.make(TRY(open_vm(*context_, vm)), content);
}

Result<> ImagePool::clone_range(int from, base::Bytes from_offset, api::PrivateImage& to, base::Bytes to_offset, base::Bytes length) {
    if (!capabilities().clone_ranges) return fail(Errc::Unsupported, "this pool copies what it cannot share");
    return context_->files.clone_range(from, from_offset, to.fd(), to_offset, length);
}

Result<std::filesystem::path> ImagePool::device(const VolumePath& volume, const VolumeView& view) const {
    if (!view.session || view.session->phase != api::Session::Phase::Started)
        return fail(Errc::NotFound, volume.str() + " has no device: it is not started");
    const auto vm = TRY(open_vm(*context_, volume.vm));
    return context_->driver->device(VolumeFiles(*context_, vm, volume.volume), view);
}

Result<base::Bytes> ImagePool::exclusive(const VolumePath& volume, const VolumeView& view, const api::StateRef& state) const {
    const auto vm = TRY(open_vm(*context_, volume.vm));
    return context_->driver->exclusive(VolumeFiles(*context_, vm, volume.volume), view, state);
}

Result<base::Extents> ImagePool::may_differ(const VolumePath& volume, const VolumeView& view, const api::StateRef& one,
                                            const api::StateRef& other) const {
    const auto vm = TRY(open_vm(*context_, volume.vm));
    const VolumeFiles files(*context_, vm, volume.volume);
    const auto first = TRY(context_->driver->open_state(files, view, one));
    const auto second = TRY(context_->driver->open_state(files, view, other));
    return context_->driver->may_differ(files, first.get(), second.get());
}

Result<> ImagePool::prepare_start(const VolumePath& volume, const VolumeView& present, const LockIfCurrent& lock_if_current) {
    const auto vm = TRY(open_vm(*context_, volume.vm));
    VolumeFiles files(*context_, vm, volume.volume);
    return context_->driver->prepare_start(files, present, lock_if_current);
}

Result<std::vector<api::Finding>> ImagePool::verify(const VmName& vm) const {
    return images::verify(*context_, TRY(open_vm(*context_, vm)));
}

}  // namespace varve::images
