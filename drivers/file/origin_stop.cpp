// SPDX-License-Identifier: LGPL-2.1-or-later
// How sessions of origins end (file_driver.h). What the load makes of each moment in between is in loading.cpp.
#include "drivers/file/cow_states.h"
#include "drivers/file/file_driver.h"
#include "drivers/images/commit.h"

#include <algorithm>

namespace varve::file {

using api::VolumeView;
using base::Errc;
using base::Result;
using images::Marks;
using images::VolumeFiles;
using Replace = kernel::FileSystem::Replace;

base::Failure dirty_now(const VolumeFiles& files, base::Error error) {
    error.code = Errc::Degraded;
    return base::Failure(base::with_context(std::move(error), files.who() + " is dirty now"));
}

FileDriver::View FileDriver::stop_origin(VolumeFiles& files, const VolumeView& present, const api::Stop& command) {
    const auto image = TRY(files.open(files.committed()));
    const auto stopped = stacks_.stop_origin(files.who(), image.get());
    auto ended = stopped ? end_origin(files, present, command) : View(base::Failure(stopped.error()));
    if (ended || ended.error().code == Errc::Degraded || present.session->phase == api::Session::Phase::Dirty) return ended;
    const auto running = stacks_.origin_session(image.get());
    if (running && *running) return ended;
    // Its VM has gone: without its device the volume is dirty, and another stop tries again.
    return dirty_now(files, std::move(ended).error());
}

FileDriver::View FileDriver::end_origin(VolumeFiles& files, const VolumeView& present, const api::Stop& command) {
    const auto open = TRY(open_files(files, present));
    const auto use = TRY(use_of_file(open.cow.get()));
    if (command.outcome == api::Stop::Outcome::Discard) return discard(files, present, open, use);
    const bool grown = TRY(files.pool().files.status(open.image.get())).size != present.committed->size;
    if (use == CowUse::Unused && !grown) return end_session(files, present);
    return commit(files, present, open, use, command.retention);
}

// The image is the committed state: its COW file has nothing, or is gone.
FileDriver::View FileDriver::end_session(VolumeFiles& files, VolumeView view) const {
    (void)TRY(files.remove(session_name(files)));  // there is none of a session of Qubes
    TRY(files.sync_directory());
    view.session.reset();
    if (const auto tidied = stacks_.tidy(); !tidied) files.pool().log.warning(files.who(), tidied.error().message());
    return view;
}

// nullopt when no revision is in the old COW file.
Result<std::optional<api::Revision>> FileDriver::revision_in_old(const VolumeFiles& files, const VolumeView& view) const {
    if (!TRY(files.exists(old_cow_name(files)))) return std::optional<api::Revision>();
    for (const auto& revision : view.revisions)
        if (TRY(revision_file(files, revision)) == old_cow_name(files)) return std::optional(revision);
    return std::optional<api::Revision>();
}

Result<> FileDriver::drop_old(VolumeFiles& files, VolumeView& view) const {
    const auto old = TRY(revision_in_old(files, view));
    (void)TRY(files.remove(old_cow_name(files)));  // whether there was one does not matter
    if (old) view.revisions.erase(old->id);
    return {};
}

// The COW file becomes the old one.
Result<api::Revision> FileDriver::make_old(VolumeFiles& files, VolumeView& view, const OpenState& open, const api::Retention& retention) {
    const auto place = images::next_place(view, view.committed->modified);
    api::Revision revision{place.id, place.number, *view.committed, {}};
    const auto older = TRY(revision_in_old(files, view));
    bool expires = false;
    if (older) {
        auto all = view.revisions;
        all.insert(revision);
        const auto gone = api::expired(all, retention);
        expires = std::ranges::any_of(gone, [&](const api::Revision& one) { return one.id == older->id; });
        if (!expires) TRY(make_image_of(files, view, *older));
    }
    Marks marks(files.pool().files, open.cow.get());
    TRY(describe_state(files, open.cow.get(), *view.committed));
    TRY(marks.set_revision_number(place.number));
    TRY(marks.set_numbered(place.id.number.has_value()));
    TRY(files.pool().files.sync(open.cow.get()));
    revision.state.identity = TRY(identity_of(files, open.cow.get()));  // without marks another one than the image had
    // Point of no return: without a COW file the image is the committed state.
    TRY(files.rename(cow_name(files), old_cow_name(files), Replace::Allow));
    if (expires) view.revisions.erase(older->id);
    return revision;
}

FileDriver::View FileDriver::commit(VolumeFiles& files, VolumeView view, const OpenState& open, CowUse use,
                                    const api::Retention& retention) {
    auto& pool = files.pool();
    TRY(Marks(pool.files, open.image.get()).set_state(pool.temporaries.next_number()));
    TRY(files.mark_changed(open.image.get(), &*view.committed));
    TRY(pool.files.sync(open.image.get()));
    auto state = TRY(files.observe(open.image.get(), pool.ids.next()));
    if (use == CowUse::Invalid) {
        pool.log.warning(files.who(), "the state from before the start is lost: its COW file was full or could not be written");
        TRY(drop_old(files, view));  // it stood on that state
        // Point of no return: without a COW file the image is the committed state.
        TRY(remove_cow(files));
    } else {
        view.revisions.insert(TRY(make_old(files, view, open, retention)));
    }
    TRY(files.sync_directory());
    view.committed = std::move(state);
    auto ended = end_session(files, view);
    if (!ended) return files.changed_but(ended.error());
    images::prune(files, *ended, retention);
    TRY(files.sync_directory());
    return ended;
}

// The state from before becomes a new image: whoever reads the old one keeps it.
FileDriver::View FileDriver::discard(VolumeFiles& files, VolumeView view, const OpenState& open, CowUse use) {
    auto& port = files.pool().files;
    const auto& state = *view.committed;
    const bool grown = TRY(port.status(open.image.get())).size != state.size;
    if (use == CowUse::Unused && !grown) return end_session(files, view);
    {
        const auto content = TRY(stacks_.open_state(open.files));
        auto copy = TRY(files.clone(content.get(), files.committed()));
        Marks marks(port, copy.fd());
        TRY(marks.set_state(state.identity.object));
        TRY(marks.set_changed(state.changed));
        TRY(port.set_modified(copy.fd(), state.modified));
        TRY(port.sync(copy.fd()));
        // Point of no return: the session's second name is no longer the image's.
        TRY(files.keep(copy, files.committed(), Replace::Allow));
    }
    TRY(files.sync_directory());
    if (const auto removed = remove_cow(files); !removed) return files.changed_but(removed.error());
    return end_session(files, view);
}

}  // namespace varve::file
