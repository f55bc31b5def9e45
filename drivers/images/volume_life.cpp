// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/images/volume_life.h"

#include "drivers/images/commit.h"
#include "drivers/images/driver.h"

#include <algorithm>

namespace varve::images {
namespace {

using api::VolumeView;
using base::Errc;
using base::fail;
using base::Result;
using Replace = kernel::FileSystem::Replace;

Result<api::State> make_empty_state(VolumeFiles& files, base::Bytes size) {
    auto& port = files.pool().files;
    auto image = TRY(files.make_temporary());
    TRY(port.set_size(image.fd(), size));
    TRY(files.mark_changed(image.fd(), nullptr));
    TRY(port.sync(image.fd()));
    auto state = TRY(files.observe(image.fd(), files.pool().ids.next()));
    // Point of no return.
    TRY(files.keep(image, files.committed(), Replace::Never));
    return state;
}

Result<api::State> set_time_of(VolumeFiles& files, const std::string& name, const api::State& state, base::Timestamp modified) {
    auto& port = files.pool().files;
    const auto file = TRY(files.open(name));
    TRY(files.mark_changed(file.get(), &state));  // first: no reader may see another time under the old time of change
    TRY(port.set_modified(file.get(), modified));
    if (const auto synced = port.sync(file.get()); !synced) return files.changed_but(synced.error());
    auto now = files.observe(file.get(), state);
    if (!now) return files.changed_but(now.error());
    return now;
}

}  // namespace

Result<VolumeView> create(VolumeFiles& files, const api::Create& command) {
    VolumeView view;
    view.config = command.config;
    // Without its image an origin's entry is nothing, and dropped by the next load.
    TRY(record_config(files, command.config));
    if (!std::holds_alternative<api::Origin>(command.config.kind)) return view;
    auto state = make_empty_state(files, command.config.size);
    if (!state) {
        (void)forget_record(files);
        return base::Failure(state.error());
    }
    view.committed = std::move(*state);
    TRY(files.sync_directory());
    return view;
}

Result<VolumeView> remove_committed(VolumeFiles& files, const VolumeView& present) {
    auto view = present;
    if (!view.committed) return view;
    TRY(files.pool().driver->before_replacing(files, view));
    // Point of no return.
    if (!TRY(files.remove(files.committed()))) return fail(Errc::NotFound, files.who() + " is not there any more");
    TRY(files.sync_directory());
    view.committed.reset();
    return view;
}

Result<> record_config(VolumeFiles& files, const api::VolumeConfig& config) {
    return edit_record(files.pool(), files.directory(),
                       [&](records::VmRecord& record) { record.volumes.insert_or_assign(files.volume(), config); });
}

Result<VolumeView> resize_committed(VolumeFiles& files, VolumeView view, base::Bytes size) {
    auto& port = files.pool().files;
    if (view.committed->size == size) return view;
    const auto old = TRY(files.open(files.committed()));
    const auto modified = TRY(port.status(old.get())).modified;
    auto image = TRY(files.clone(old.get(), files.committed()));
    TRY(port.set_size(image.fd(), size));
    TRY(port.set_modified(image.fd(), modified));
    TRY(replace_committed(files, view, Incoming{image.fd(), files.directory(), image.name()}, OldState::Drop, {}));
    image.renamed();
    TRY(files.sync_directory());
    return view;
}

Result<VolumeView> set_time(VolumeFiles& files, const VolumeView& present, const api::SetTime& command) {
    auto view = present;
    if (!command.revision) {
        if (!view.committed) return fail(Errc::NotFound, files.who() + " has no state whose time could be set");
        TRY(files.pool().driver->drop_prepared(files));
        *view.committed = TRY(set_time_of(files, files.committed(), *view.committed, command.modified));
        return view;
    }
    auto revision = *view.revisions.find(*command.revision);
    const auto time = base::iso_utc(command.modified.seconds);
    if (const auto* timed = revision.id.timed(); timed != nullptr && base::iso_utc(timed->seconds) != time)
        return fail(Errc::InvalidArgument,
                    "the time of " + files.who() + "@" + revision.id.str() + " is its name and cannot become " + time);
    TRY(files.pool().driver->make_image_of(files, view, revision));
    revision.state = TRY(set_time_of(files, files.image_of(revision), revision.state, command.modified));
    view.revisions.erase(revision.id);
    view.revisions.insert(std::move(revision));
    return view;
}

Result<VolumeView> configure(VolumeFiles& files, const VolumeView& present, const api::VolumeConfig& config) {
    TRY(record_config(files, config));
    auto view = present;
    view.config = config;
    return view;
}

Result<> forget_record(VolumeFiles& files) {
    return edit_record(files.pool(), files.directory(), [&](records::VmRecord& record) { record.volumes.erase(files.volume()); });
}

Result<std::optional<VolumeView>> forget_if_empty(VolumeFiles& files, VolumeView view) {
    if (view.committed || view.session || !view.revisions.empty()) return std::optional(std::move(view));
    const bool origin = std::holds_alternative<api::Origin>(view.config.kind);
    // An origin is gone with its last state, and the next load clears its entry; the others are gone with their entry.
    if (auto forgotten = forget_record(files); !forgotten && !origin) {
        if (api::saves_on_stop(view.config.kind)) return files.changed_but(forgotten.error());  // its last state is gone already
        return base::Failure(forgotten.error());
    }
    for (const auto& leftover : files.pool().driver->leftovers(files))
        if (const auto removed = files.remove(leftover); !removed)
            files.pool().log.warning(files.who(), leftover + " stays: " + removed.error().message());
    return std::optional<VolumeView>();
}

}  // namespace varve::images
