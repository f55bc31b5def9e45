// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/images/image_sessions.h"

#include "drivers/images/commit.h"
#include "drivers/images/driver.h"
#include "drivers/images/volume_life.h"

namespace varve::images {

using api::Session;
using api::VolumeView;
using base::Errc;
using base::fail;
using base::Result;
using Replace = kernel::FileSystem::Replace;

namespace {

// Whoever shares the inode (the base of a running snapshot) must not see what the guest writes.
Result<base::UniqueFd> unshare_committed(VolumeFiles& files, base::UniqueFd file, bool shared) {
    auto& port = files.pool().files;
    const auto status = TRY(port.status(file.get()));
    if (status.links == 1 && !shared) return file;
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

Result<base::Bytes> grow_session(VolumeFiles& files, const std::string& name, base::Bytes size) {
    auto& port = files.pool().files;
    const auto file = TRY(port.open_file(files.directory(), name, kernel::FileSystem::Access::ReadWrite));
    TRY(port.set_size(file.get(), size));
    TRY(port.sync(file.get()));
    return size;
}

Result<Session::Phase> phase_of(const VolumeFiles& files, const std::string& name) {
    const auto file = TRY(files.open(name));
    auto& pool = files.pool();
    const auto status = TRY(pool.files.status(file.get()));
    if (pool.started.contains({status.device, status.inode}) || TRY(Marks(pool.files, file.get()).started_in(pool.boot)))
        return Session::Phase::Started;
    const bool used = TRY(pool.files.open_for_writing(files.directory(), name));
    return used ? Session::Phase::Started : Session::Phase::Dirty;
}

}  // namespace

Session session_of(base::Bytes size) { return {.phase = Session::Phase::Started, .size = size, .base = {}, .no_snapshot_layer = false}; }

Result<> mark_started(Context& pool, int image) {
    const auto status = TRY(pool.files.status(image));
    TRY(Marks(pool.files, image).set_started_in(pool.boot));
    pool.started.add({status.device, status.inode});
    return {};
}

Result<> begin_session(VolumeFiles& files, Temporary& image, const std::string& name) {
    auto& pool = files.pool();
    TRY(mark_started(pool, image.fd()));
    TRY(pool.files.sync(image.fd()));
    // Point of no return.
    TRY(files.keep(image, name, Replace::Never));
    return files.sync_directory();
}

Result<VolumeView> start_volatile(VolumeFiles& files, VolumeView view, const std::string& name) {
    auto image = TRY(files.make_temporary());
    TRY(files.pool().files.set_size(image.fd(), view.config.size));
    TRY(begin_session(files, image, name));
    view.session = session_of(view.config.size);
    return view;
}

Result<VolumeView> start_without_layer(VolumeFiles& files, VolumeView view, bool shared) {
    auto& pool = files.pool();
    TRY(pool.driver->drop_prepared(files));
    const auto file = TRY(unshare_committed(files, TRY(files.open(files.committed())), shared));
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

Result<VolumeView> continue_session(VolumeFiles& files, VolumeView view, const std::string& name) {
    auto& pool = files.pool();
    const auto file = TRY(files.open(name));
    TRY(pool.files.take_ownership(file.get()));  // whoever had it in its last boot may not have the right any more
    view.session->size = TRY(pool.files.status(file.get())).size;
    // After a crash a copy's data may be newer than its time on disk: never take it for an unwritten one.
    if (pool.method != api::Method::Clone) TRY(pool.files.set_modified(file.get(), pool.clock.now()));
    // Point of no return.
    TRY(mark_started(pool, file.get()));
    view.session->phase = Session::Phase::Started;
    pool.log.operation(files.who(), "continued", name);
    return view;
}

Result<> take_back(VolumeFiles& files, const std::string& name) {
    auto& port = files.pool().files;
    TRY(port.take_ownership(TRY(files.open(name)).get()));  // before the question, so that nobody comes after it
    if (!TRY(port.open_for_writing(files.directory(), name))) return {};
    return fail(Errc::Busy, files.who() + " cannot be stopped: another program still has " + name + " open for writing");
}

Result<VolumeView> commit_without_layer(VolumeFiles& files, VolumeView view, const api::Retention& retention) {
    auto& pool = files.pool();
    const auto dirty = TRY(files.open(files.dirty()));
    const auto now = TRY(files.observe(dirty.get(), api::StateId{}));
    auto unwritten = pool.layerless.unwritten(now.identity, now.size, now.modified);
    if (!unwritten) TRY(files.mark_changed(dirty.get(), nullptr));
    TRY(pool.files.sync(dirty.get()));
    auto state = TRY(files.observe(dirty.get(), unwritten ? unwritten->id : pool.ids.next()));
    // Point of no return.
    TRY(files.rename(files.dirty(), files.committed(), Replace::Never));
    pool.layerless.forget(state.identity);
    view.committed = std::move(state);
    view.session.reset();
    prune(files, view, retention);
    TRY(files.sync_directory());
    return view;
}

Result<VolumeView> drop_image(VolumeFiles& files, VolumeView view, const std::string& name) {
    // Point of no return.
    (void)TRY(files.remove(name));
    TRY(files.sync_directory());
    view.session.reset();
    return view;
}

Result<VolumeView> resize_session(VolumeFiles& files, VolumeView view, base::Bytes size, const std::string& name) {
    auto& port = files.pool().files;
    const auto file = TRY(port.open_file(files.directory(), name, kernel::FileSystem::Access::ReadWrite));
    TRY(port.set_size(file.get(), size));
    if (const auto synced = port.sync(file.get()); !synced) return files.changed_but(synced.error());
    files.pool().log.operation(files.who(), "resized", name, std::to_string(size.count));
    view.session->size = size;
    return view;
}

// The record first, then this session: what fails before the image has grown is undone, and after a crash between the two the load grows it.
Result<VolumeView> resize_volatile(VolumeFiles& files, VolumeView view, base::Bytes size, const std::string& name) {
    const auto before = view.config;
    view.config.size = size;
    TRY(record_config(files, view.config));
    if (!view.session) return view;
    auto resized = resize_session(files, view, size, name);
    if (!resized && resized.error().code != Errc::Degraded)
        if (const auto undone = record_config(files, before); !undone) return files.changed_but(undone.error());
    return resized;
}

Result<Session> load_session(VolumeFiles& files, const api::VolumeConfig& config, const std::string& name) {
    auto session = session_of(TRY(files.pool().files.status(files.directory(), name)).size);
    session.phase = TRY(phase_of(files, name));
    // A resize writes the record first: a crash or failure before the image has grown is made good here.
    if (std::holds_alternative<api::Volatile>(config.kind) && session.size < config.size)
        session.size = TRY(grow_session(files, name, config.size));
    return session;
}

Result<std::filesystem::path> image_path(const VolumeFiles& files, const std::string& name) {
    const auto volume = files.vm().name.str() + "/" + files.volume().str();
    if (!TRY(files.exists(name))) return fail(Errc::NotFound, "the image " + name + " of " + volume + " has vanished");
    return std::filesystem::path(files.pool().settings.dir_path) / files.vm().folder / files.vm().name.str() / name;
}

}  // namespace varve::images
