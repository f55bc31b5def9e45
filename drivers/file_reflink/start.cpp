// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/api/overloaded.h"
#include "drivers/file_reflink/commit.h"
#include "drivers/file_reflink/session.h"
#include "drivers/file_reflink/session_stamp.h"

namespace varve::file_reflink {
namespace {

using api::Session;
using api::VolumeView;
using base::Errc;
using base::Result;
using Replace = kernel::FileSystem::Replace;

// The image is a session of this boot: as a mark on it, and in memory for file systems without marks.
Result<> mark_started(Context& pool, int image) {
    const auto status = TRY(pool.files.status(image));
    TRY(Marks(pool.files, image).set_started_in(pool.boot));
    pool.started.add({status.device, status.inode});
    return {};
}

// Gives a complete image the session's name. Its data needs the sync: the session must survive a crash as a whole image.
Result<> begin_session(VolumeFiles& files, Temporary& image) {
    auto& pool = files.pool();
    TRY(mark_started(pool, image.fd()));
    TRY(pool.files.sync(image.fd()));
    // Point of no return.
    TRY(files.keep(image, files.dirty(), Replace::Never));
    return files.sync_directory();
}

Session session_of(base::Bytes size) { return {.phase = Session::Phase::Started, .size = size, .base = {}, .no_snapshot_layer = false}; }

// ---- origin
// A precache that still is the committed state: one rename. False when there is none.
Result<bool> begin_with_precache(VolumeFiles& files, const api::State& committed) {
    auto& pool = files.pool();
    const auto file = pool.files.open_file(files.directory(), files.precache(), kernel::FileSystem::Access::Read);
    if (!file && file.error().code == Errc::NotFound) return false;
    if (!file) return base::Failure(file.error());
    const auto status = TRY(pool.files.status(file->get()));
    if (status.size != committed.size || status.modified != committed.modified || status.links != 1) {
        TRY(drop_precache(files));  // somebody edited the image
        return false;
    }
    TRY(mark_started(pool, file->get()));
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
    TRY(begin_session(files, image));
    return view;
}

// Whoever shares the inode (the base of a running snapshot) must not see what the guest writes.
Result<base::UniqueFd> unshare_committed(VolumeFiles& files, base::UniqueFd file) {
    auto& port = files.pool().files;
    const auto status = TRY(port.status(file.get()));
    if (status.links == 1) return file;
    auto image = TRY(files.clone(file.get(), files.committed()));
    TRY(port.set_modified(image.fd(), status.modified));
    if (const auto changed = TRY(Marks(port, file.get()).changed())) TRY(Marks(port, image.fd()).set_changed(*changed));
    TRY(port.sync(image.fd()));
    TRY(files.keep(image, files.committed(), Replace::Allow));
    return image.release();
}

// Without a layer none are kept but labels.
void remove_timed_revisions(VolumeFiles& files, VolumeView& view) {
    api::Retention none;
    none.keep = api::RevisionsToKeep::from(0).value();
    none.grace_seconds = 0;
    none.now = files.pool().clock.now();
    prune(files, view, none);
}

Result<VolumeView> start_without_layer(VolumeFiles& files, VolumeView view) {
    auto& pool = files.pool();
    TRY(drop_precache(files));
    const auto file = TRY(unshare_committed(files, TRY(files.open(files.committed()))));
    auto state = TRY(files.observe(file.get(), *view.committed));
    TRY(mark_started(pool, file.get()));
    // Point of no return.
    TRY(files.rename(files.committed(), files.dirty(), Replace::Never));
    view.session = session_of(state.size);
    view.session->no_snapshot_layer = true;
    view.committed.reset();
    pool.layerless.remember(std::move(state), pool.clock.now());
    remove_timed_revisions(files, view);
    TRY(files.sync_directory());
    return view;
}

// ---- snapshot, origin_snapshot
std::string source_name(const VolumeFiles& source_files, const api::Source& source, const VolumeView& view) {
    return source.fixed ? source_files.revision(*view.revisions.find(*source.fixed)) : source_files.committed();
}

const api::State& source_state(const api::Source& source, const VolumeView& view) {
    return source.fixed ? view.revisions.find(*source.fixed)->state : *view.committed;
}

Result<VolumeView> start_from_source(VolumeFiles& files, VolumeView view, const api::Source& source, const VolumeView& source_view) {
    auto& pool = files.pool();
    const auto source_vm = TRY(open_vm(pool, source.volume.vm));
    const VolumeFiles source_files(pool, source_vm, source.volume.volume);
    const auto base_name = files.base(view.config.kind);
    (void)TRY(files.remove(base_name));  // of a start that failed
    TRY(files.link(source_files.directory(), source_name(source_files, source, source_view), base_name));

    const auto begin = [&]() -> Result<> {
        const auto base = TRY(files.open(base_name));
        view.session = session_of({});
        view.session->base = TRY(files.observe(base.get(), source_state(source, source_view)));
        view.session->size = view.session->base->size;
        auto image = TRY(files.clone(base.get(), base_name));
        TRY(pool.files.set_modified(image.fd(), session_stamp(view.session->base->modified)));
        return begin_session(files, image);
    };
    if (auto begun = begin(); !begun) {
        if (begun.error().code != Errc::Degraded) (void)files.remove(base_name);  // else the next load drops it
        return base::Failure(begun.error());
    }
    return view;
}

// ---- volatile
Result<VolumeView> start_volatile(VolumeFiles& files, VolumeView view) {
    auto image = TRY(files.make_temporary());
    TRY(files.pool().files.set_size(image.fd(), view.config.size));
    TRY(begin_session(files, image));
    view.session = session_of(view.config.size);
    return view;
}

// ---- a session that a crash or an earlier boot left
Result<VolumeView> continue_session(VolumeFiles& files, VolumeView view) {
    auto& pool = files.pool();
    const auto file = TRY(files.open(files.dirty()));
    view.session->size = TRY(pool.files.status(file.get())).size;
    // After a crash a copy's data may be newer than its time on disk: never take it for an unwritten one.
    if (pool.method != api::Method::Clone) TRY(pool.files.set_modified(file.get(), pool.clock.now()));
    // Point of no return.
    TRY(mark_started(pool, file.get()));
    view.session->phase = Session::Phase::Started;
    pool.log.operation(files.who(), "continued", files.dirty());
    return view;
}

}  // namespace

Result<VolumeView> start(VolumeFiles& files, const VolumeView& present, const api::Start& command) {
    if (present.session) return continue_session(files, present);
    if (command.source) return start_from_source(files, present, command.source->where, *command.source->view);
    if (std::holds_alternative<api::Volatile>(present.config.kind)) return start_volatile(files, present);
    if (present.keep(files.pool().settings.revisions_to_keep).no_snapshot_layer()) return start_without_layer(files, present);
    return start_origin(files, present);
}

}  // namespace varve::file_reflink
