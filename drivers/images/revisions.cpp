// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/images/revisions.h"

#include "drivers/images/commit.h"
#include "drivers/images/driver.h"

namespace varve::images {
namespace {

using api::VolumeView;
using base::Errc;
using base::fail;
using base::Result;
using Replace = kernel::FileSystem::Replace;

// A clone with the time of what it was made from.
Result<Temporary> clone_with_time(VolumeFiles& files, int from, const std::string& name, const api::State& state) {
    auto image = TRY(files.clone(from, name));
    TRY(files.pool().files.set_modified(image.fd(), state.modified));
    return image;
}

}  // namespace

Result<VolumeView> revert(VolumeFiles& files, const VolumeView& present, const api::Revert& command) {
    auto view = present;
    const auto target = *view.revisions.find(command.revision);
    TRY(files.pool().driver->make_image_of(files, view, target));
    const auto name = files.image_of(target);
    const auto old = command.present == api::Revert::Present::KeepAsRevision ? OldState::KeepAsRevision : OldState::Drop;
    const auto now = files.pool().clock.now();
    if (command.source == api::Revert::Revision::Keep) {
        const auto file = TRY(files.open(name));
        auto image = TRY(clone_with_time(files, file.get(), name, TRY(files.observe(file.get(), target.state))));
        TRY(replace_committed(files, view, Incoming{image.fd(), files.directory(), image.name()}, old, now));
        image.renamed();
    } else {
        const auto file = TRY(files.open(name));
        TRY(replace_committed(files, view, Incoming{file.get(), files.directory(), name, true}, old, now));
        view.committed->id = target.state.id;
        view.revisions.erase(target.id);
    }
    TRY(files.sync_directory());
    return view;
}

Result<VolumeView> take_snapshot(VolumeFiles& files, const VolumeView& present, const base::Label& label) {
    const auto committed = TRY(files.pool().driver->open_to_copy(files, present));
    auto image = TRY(clone_with_time(files, committed.get(), files.committed(), *present.committed));
    TRY(files.mark_changed(image.fd(), nullptr));
    TRY(files.pool().files.sync(image.fd()));
    auto state = TRY(files.observe(image.fd(), files.pool().ids.next()));
    // Point of no return.
    TRY(files.keep(image, file_name(PinFile{files.volume(), label}), Replace::Never));
    TRY(files.sync_directory());
    auto view = present;
    view.revisions.insert({label, 0, std::move(state), {}});
    return view;
}

Result<VolumeView> rename_revision(VolumeFiles& files, const VolumeView& present, const api::RenameRevision& command) {
    auto view = present;
    const auto target = *view.revisions.find(command.from);
    TRY(files.pool().driver->make_image_of(files, view, target));
    const auto name = files.image_of(target);
    const auto file = TRY(files.open(name));
    TRY(files.mark_changed(file.get(), &target.state));
    auto state = TRY(files.observe(file.get(), target.state));
    // Point of no return.
    TRY(files.rename(name, file_name(PinFile{files.volume(), command.to}), Replace::Never));
    TRY(files.sync_directory());
    view.revisions.erase(target.id);
    view.revisions.insert({command.to, 0, std::move(state), {}});  // a pin needs no grace
    return view;
}

Result<VolumeView> remove_revision(VolumeFiles& files, const VolumeView& present, const base::RevisionId& id) {
    auto view = present;
    const auto target = *view.revisions.find(id);
    // Point of no return.
    if (!TRY(files.remove(TRY(files.revision(target)))))
        return fail(Errc::NotFound, files.who() + "@" + target.id.str() + " is not there any more");
    TRY(files.sync_directory());
    view.revisions.erase(target.id);
    return view;
}

}  // namespace varve::images
