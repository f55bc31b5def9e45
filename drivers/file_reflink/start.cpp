// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/file_reflink/session.h"
#include "drivers/file_reflink/session_stamp.h"
#include "drivers/file_reflink/state_files.h"
#include "drivers/images/driver.h"
#include "drivers/images/image_sessions.h"

namespace varve::file_reflink {
namespace {

using api::VolumeView;
using base::Errc;
using base::Result;
using images::begin_session;
using images::session_of;
using images::VolumeFiles;
using Replace = kernel::FileSystem::Replace;

// ---- origin
// A precache that still is the committed state: one rename. False when there is none.
Result<bool> begin_with_precache(VolumeFiles& files, const api::State& committed) {
    auto& pool = files.pool();
    const auto file = pool.files.open_file(files.directory(), files.precache(), kernel::FileSystem::Access::Read);
    if (!file && file.error().code == Errc::NotFound) return false;
    if (!file) return base::Failure(file.error());
    const auto status = TRY(pool.files.status(file->get()));
    if (status.size != committed.size || status.modified != committed.modified || status.links != 1) {
        TRY(pool.driver->drop_prepared(files));  // somebody edited the image
        return false;
    }
    TRY(images::mark_started(pool, file->get()));
    TRY(pool.files.set_modified(file->get(), session_stamp(committed.modified)));
    // Point of no return.
    TRY(files.rename(files.precache(), files.dirty(), Replace::Never));
    TRY(files.sync_directory());
    return true;
}

Result<VolumeView> start_origin(VolumeFiles& files, VolumeView view) {
    const auto file = TRY(files.open(files.committed()));
    view.committed = TRY(files.observe(file.get(), *view.committed));
    view.session = session_of(view.committed->size);
    if (TRY(begin_with_precache(files, *view.committed))) return view;
    auto image = TRY(files.clone(file.get(), files.committed()));
    TRY(files.pool().files.set_modified(image.fd(), session_stamp(view.committed->modified)));
    TRY(begin_session(files, image, files.dirty()));
    return view;
}

// ---- snapshot, origin_snapshot
std::string source_name(const VolumeFiles& source_files, const api::Source& source, const VolumeView& view) {
    return source.fixed ? source_files.image_of(*view.revisions.find(*source.fixed)) : source_files.committed();
}

const api::State& source_state(const api::Source& source, const VolumeView& view) {
    return source.fixed ? view.revisions.find(*source.fixed)->state : *view.committed;
}

Result<VolumeView> start_from_source(VolumeFiles& files, VolumeView view, const api::Source& source, const VolumeView& source_view) {
    auto& pool = files.pool();
    const auto source_vm = TRY(images::open_vm(pool, source.volume.vm));
    const VolumeFiles source_files(pool, source_vm, source.volume.volume);
    const auto name = base_name(files, view.config.kind);
    (void)TRY(files.remove(name));  // of a start that failed
    TRY(files.link(source_files.directory(), source_name(source_files, source, source_view), name));

    const auto begin = [&]() -> Result<> {
        const auto base = TRY(files.open(name));
        view.session = session_of({});
        view.session->base = TRY(files.observe(base.get(), source_state(source, source_view)));
        view.session->size = view.session->base->size;
        auto image = TRY(files.clone(base.get(), name));
        TRY(pool.files.set_modified(image.fd(), session_stamp(view.session->base->modified)));
        return begin_session(files, image, files.dirty());
    };
    if (auto begun = begin(); !begun) {
        if (begun.error().code != Errc::Degraded) (void)files.remove(name);  // else the next load drops it
        return base::Failure(begun.error());
    }
    return view;
}

}  // namespace

Result<VolumeView> start(VolumeFiles& files, const VolumeView& present, const api::Start& command) {
    if (present.session) return images::continue_session(files, present, files.dirty());
    if (command.source) return start_from_source(files, present, command.source->where, *command.source->view);
    if (std::holds_alternative<api::Volatile>(present.config.kind)) return images::start_volatile(files, present, files.dirty());
    if (present.keep(files.pool().settings.revisions_to_keep).no_snapshot_layer())
        return images::start_without_layer(files, present, false);
    return start_origin(files, present);
}

}  // namespace varve::file_reflink
