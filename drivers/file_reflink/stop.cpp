// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/file_reflink/session.h"
#include "drivers/file_reflink/session_stamp.h"
#include "drivers/file_reflink/state_files.h"
#include "drivers/images/commit.h"
#include "drivers/images/image_sessions.h"

namespace varve::file_reflink {
namespace {

using api::VolumeView;
using base::Result;
using images::VolumeFiles;
using Replace = kernel::FileSystem::Replace;

// The names of a session that ends without a commit; the base after the image, so that no session is ever without its base.
Result<VolumeView> drop_session(VolumeFiles& files, VolumeView view) {
    // Point of no return.
    (void)TRY(files.remove(files.dirty()));
    if (view.session->base) (void)files.remove(base_name(files, view.config.kind));  // else the next load does
    TRY(files.sync_directory());
    view.session.reset();
    return view;
}

// Nothing was written: the image still is a clone of the committed state, ready for the next start.
Result<VolumeView> keep_as_precache(VolumeFiles& files, VolumeView view, int dirty) {
    TRY(files.pool().files.set_modified(dirty, view.committed->modified));
    // Point of no return.
    TRY(files.rename(files.dirty(), files.precache(), Replace::Allow));
    TRY(files.sync_directory());
    view.session.reset();
    return view;
}

// An image that is committed although its time says nothing (see unwritten()) must not be older than the state it replaces.
Result<> replace_stamp(VolumeFiles& files, const VolumeView& view, int dirty) {
    auto& pool = files.pool();
    const auto& from = view.session->base ? view.session->base : view.committed;
    if (!from || TRY(pool.files.status(dirty)).modified != session_stamp(from->modified)) return {};
    return pool.files.set_modified(dirty, pool.clock.now());
}

Result<VolumeView> commit_and_end(VolumeFiles& files, VolumeView view, int dirty, const api::Retention& retention) {
    TRY(replace_stamp(files, view, dirty));
    TRY(images::replace_committed(files, view, {dirty, files.directory(), files.dirty()}, images::OldState::KeepAsRevision, {}));
    // The commit is done: what fails now is left to the next load.
    if (view.session->base) (void)files.remove(base_name(files, view.config.kind));
    view.session.reset();
    images::prune(files, view, retention);
    TRY(files.sync_directory());
    return view;
}

// After a crash too: an image that shares its data cannot be written without a change of its extents, and the file system's journal keeps
// that behind the change of the time. A copy is overwritten in place, so that its data can be newer than its time.
Result<bool> unwritten(const VolumeFiles& files, const VolumeView& view, int dirty) {
    auto& pool = files.pool();
    const auto& from = view.session->base ? view.session->base : view.committed;
    if (!from) return false;
    if (pool.method != api::Method::Clone && !TRY(images::Marks(pool.files, dirty).started_in(pool.boot))) return false;
    const auto status = TRY(pool.files.status(dirty));
    return status.size == from->size && status.modified == session_stamp(from->modified);
}

// The clone gets the time of this moment, and the session's image the stamp of a session that began with it: before the clone is made, so that no
// write comes between the two unseen. (A write that was submitted before has set its time before, and cloning waits for it.) When the power
// fails before the commit is done, the stamp is no time of the state that is there, and the image is taken for written.
Result<images::Temporary> clone_of_moment(VolumeFiles& files, const VolumeView& view, int dirty) {
    auto& pool = files.pool();
    const auto now = pool.clock.now();
    if (!view.session->base) TRY(pool.files.set_modified(dirty, session_stamp(now)));
    auto image = TRY(files.clone(dirty, files.dirty()));
    TRY(pool.files.set_modified(image.fd(), now));
    TRY(pool.files.sync(dirty));  // the power must not leave a session that is older than the state it was committed as
    return image;
}

}  // namespace

Result<VolumeView> commit(VolumeFiles& files, const VolumeView& present, const api::Commit& command) {
    const auto dirty = TRY(files.open(files.dirty()));
    if (TRY(unwritten(files, present, dirty.get()))) return present;
    auto view = present;
    auto image = TRY(clone_of_moment(files, view, dirty.get()));
    TRY(images::replace_committed(files, view, {image.fd(), files.directory(), image.name()}, images::OldState::KeepAsRevision, {}));
    image.renamed();
    images::prune(files, view, command.retention);
    TRY(files.sync_directory());
    return view;
}

Result<VolumeView> stop(VolumeFiles& files, const VolumeView& present, const api::Stop& command) {
    TRY(images::take_back(files, files.dirty()));
    if (!api::saves_on_stop(present.config.kind) || command.outcome == api::Stop::Outcome::Discard) return drop_session(files, present);
    if (present.session->no_snapshot_layer) return images::commit_without_layer(files, present, command.retention);
    const auto dirty = TRY(files.open(files.dirty()));
    if (!TRY(unwritten(files, present, dirty.get()))) return commit_and_end(files, present, dirty.get(), command.retention);
    return present.session->base ? drop_session(files, present) : keep_as_precache(files, present, dirty.get());
}

}  // namespace varve::file_reflink
