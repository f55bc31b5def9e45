// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/images/volume_files.h"

#include "drivers/images/driver.h"

#include <algorithm>

namespace varve::images {

using base::Errc;
using base::Result;
using base::UniqueFd;
using kernel::FileSystem;

Temporary::~Temporary() {
    if (!name_.empty()) (void)pool_->files.unlink(directory_, name_);  // swept at the next start when this fails
}

Result<api::Method> fill_from(Context& pool, int from, int to) {
    if (pool.method == api::Method::Clone) {
        const auto cloned = pool.files.clone(from, to);
        if (cloned) return api::Method::Clone;
        if (cloned.error().code != Errc::Unsupported) return base::Failure(cloned.error());
    }
    TRY(pool.files.copy_sparse(from, to));
    return api::Method::Copy;
}

std::string VolumeFiles::who() const { return pool_->settings.name.str() + "/" + vm_->name.str() + "/" + volume_.str(); }

Result<std::string> VolumeFiles::revision(const api::Revision& revision) const { return pool_->driver->revision_file(*this, revision); }

std::string VolumeFiles::image_of(const api::Revision& revision) const {
    if (const auto* label = revision.id.label()) return file_name(PinFile{volume_, *label});
    return file_name(TimedFile{volume_, revision.id.timed()->seconds, revision.number});
}

Result<UniqueFd> VolumeFiles::open(const std::string& name) const {
    auto file = pool_->files.open_file(directory(), name, FileSystem::Access::Read);
    if (!file) return base::Failure(base::with_context(file.error(), who()));
    return file;
}

Result<bool> VolumeFiles::exists(const std::string& name) const {
    const auto status = pool_->files.status(directory(), name);
    if (status) return true;
    if (status.error().code == Errc::NotFound) return false;
    return base::Failure(status.error());
}

Result<> VolumeFiles::link(int from_directory, const std::string& from, const std::string& to) {
    TRY(pool_->files.link(from_directory, from, directory(), to));
    pool_->log.operation(who(), "linked", from, to);
    return {};
}

Result<> VolumeFiles::rename(const std::string& from, const std::string& to, Replace replace) {
    TRY(pool_->files.rename(directory(), from, directory(), to, replace));
    pool_->log.operation(who(), "renamed", from, to);
    return {};
}

Result<bool> VolumeFiles::remove(const std::string& name) {
    auto file = pool_->files.open_file(directory(), name, FileSystem::Access::Read);
    if (!file && file.error().code == Errc::NotFound) return false;
    if (!file) return base::Failure(base::with_context(file.error(), who()));
    TRY(pool_->files.unlink(directory(), name));
    pool_->reaper.bury(std::move(*file));
    pool_->log.operation(who(), "removed", name);
    return true;
}

Result<> VolumeFiles::sync_directory() {
    if (const auto synced = pool_->files.sync(directory()); !synced) return changed_but(synced.error());
    return {};
}

base::Failure VolumeFiles::changed_but(base::Error error) const {
    error = base::with_context(std::move(error), who() + " has changed, but the change may not be on disk");
    error.code = Errc::Degraded;
    return base::Failure(std::move(error));
}

Result<Temporary> VolumeFiles::make_temporary() {
    auto name = pool_->temporaries.next(committed());
    auto file = TRY(pool_->files.create_file(directory(), name));
    return Temporary(*pool_, directory(), std::move(name), std::move(file));
}

Result<Temporary> VolumeFiles::clone(int from, const std::string& from_name) {
    auto temporary = TRY(make_temporary());
    const auto method = TRY(fill_from(*pool_, from, temporary.fd()));
    pool_->log.operation(who(), method == api::Method::Clone ? "cloned" : "copied", from_name, temporary.name());
    return temporary;
}

Result<> VolumeFiles::keep(Temporary& temporary, const std::string& name, Replace replace) {
    TRY(rename(temporary.name(), name, replace));
    temporary.renamed();
    return {};
}

Result<api::State> VolumeFiles::observe(int file, api::StateId id) const {
    const auto status = TRY(pool_->files.status(file));
    const auto changed = TRY(Marks(pool_->files, file).changed());
    const auto identity = TRY(pool_->driver->identity(*this, file, status));
    return api::State{.id = id,
                      .identity = identity,
                      .size = status.size,
                      .allocated = status.allocated,
                      .modified = status.modified,
                      .changed = changed.value_or(status.modified)};
}

Result<api::State> VolumeFiles::observe(int file, const api::State& known) const {
    auto state = TRY(observe(file, known.id));
    if (state.identity != known.identity) state.id = pool_->ids.next();  // somebody put another file there
    return state;
}

Result<> VolumeFiles::mark_changed(int file, const api::State* before) {
    auto now = pool_->clock.now();
    if (before != nullptr && now <= before->changed) {
        now = before->changed;
        now.nanoseconds += 1;
        if (now.nanoseconds == 1'000'000'000) now = {now.seconds + 1, 0};
    }
    return Marks(pool_->files, file).set_changed(now);
}

}  // namespace varve::images
