// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/file/file_driver.h"

#include "drivers/file/cow_states.h"
#include "drivers/images/image_sessions.h"

namespace varve::file {

using api::VolumeView;
using base::Errc;
using base::fail;
using base::Result;
using images::VolumeFiles;

api::Capabilities FileDriver::capabilities() const {
    return {.revisions = true,
            .label = api::Method::Copy,
            .clone = api::Method::Copy,
            .transaction = api::Method::Copy,
            .origin_snapshot = false,
            .no_snapshot_layer = true,
            .ephemeral = false};
}

// ---- files
bool FileDriver::uses(const images::Entry& entry) const { return !std::holds_alternative<images::PrecacheFile>(entry); }

bool FileDriver::fits(const images::Entry& entry, const api::Kind& kind) const {
    using namespace images;
    if (std::holds_alternative<ImportFile>(entry)) return true;  // Qubes' own leftover
    if (std::holds_alternative<api::Volatile>(kind)) return std::holds_alternative<CommittedFile>(entry);
    const bool base = std::holds_alternative<BaseFile>(entry) || std::holds_alternative<BaseCowFile>(entry);
    const bool snapshot = base || std::holds_alternative<GrownFile>(entry);
    if (std::holds_alternative<api::Snapshot>(kind)) return snapshot || std::holds_alternative<CowFile>(entry);
    return std::holds_alternative<api::Origin>(kind) && !snapshot;
}

Result<api::Identity> FileDriver::identity(const VolumeFiles& files, int file, const kernel::FileStatus& status) const {
    const auto mark = TRY(images::Marks(files.pool().files, file).state());
    return api::Identity{status.device, mark.value_or(status.inode)};
}

Result<std::string> FileDriver::revision_file(const VolumeFiles& files, const api::Revision& revision) const {
    auto image = files.image_of(revision);
    if (revision.id.label() != nullptr || TRY(files.exists(image)) || !TRY(files.exists(old_cow_name(files)))) return image;
    const auto old = TRY(files.open(old_cow_name(files)));
    return TRY(identity_of(files, old.get())) == revision.state.identity ? old_cow_name(files) : image;
}

std::vector<std::string> FileDriver::leftovers(const VolumeFiles& files) const {
    return {cow_name(files),      old_cow_name(files), session_name(files), base_name(files),
            base_cow_name(files), grown_name(files),   files.import()};
}

// ---- sessions
FileDriver::View FileDriver::start(VolumeFiles& files, const VolumeView& present, const api::Start& command) {
    if (std::holds_alternative<api::Volatile>(present.config.kind)) {
        if (present.session) return images::continue_session(files, present, files.committed());
        return images::start_volatile(files, present, files.committed());
    }
    if (std::holds_alternative<api::Snapshot>(present.config.kind)) {
        if (!present.session) return start_snapshot(files, present, *command.source);
        TRY(start_devices(files, present));
        auto view = present;
        view.session->phase = api::Session::Phase::Started;
        return view;
    }
    if (present.session && present.session->no_snapshot_layer) return images::continue_session(files, present, files.dirty());
    if (present.session) return continue_origin(files, present);
    if (present.keep(files.pool().settings.revisions_to_keep).no_snapshot_layer()) return start_without_layer(files, present);
    return start_origin(files, present);
}

FileDriver::View FileDriver::stop(VolumeFiles& files, const VolumeView& present, const api::Stop& command) {
    if (std::holds_alternative<api::Volatile>(present.config.kind)) {
        TRY(images::take_back(files, files.committed()));
        return images::drop_image(files, present, files.committed());
    }
    if (std::holds_alternative<api::Snapshot>(present.config.kind)) return stop_snapshot(files, present);
    if (!present.session->no_snapshot_layer) return stop_origin(files, present, command);
    TRY(images::take_back(files, files.dirty()));
    return images::commit_without_layer(files, present, command.retention);
}

// The image is what the VM writes, and a state of the past only what its COW file keeps: there is nothing to take at one moment.
FileDriver::View FileDriver::commit(VolumeFiles& files, const VolumeView& /*present*/, const api::Commit& /*command*/) {
    return fail(Errc::Unsupported, files.who() + " is committed only when its VM stops");
}

FileDriver::View FileDriver::resize(VolumeFiles& files, const VolumeView& present, base::Bytes size) {
    if (std::holds_alternative<api::Volatile>(present.config.kind)) return images::resize_volatile(files, present, size, files.committed());
    if (std::holds_alternative<api::Snapshot>(present.config.kind)) return grow_snapshot(files, present, size);
    if (present.session && present.session->no_snapshot_layer) return images::resize_session(files, present, size, files.dirty());
    if (present.session) return grow_running(files, present, size);
    if (present.committed) return grow_halted(files, present, size);
    return present;
}

Result<std::filesystem::path> FileDriver::device(const VolumeFiles& files, const VolumeView& view) const {
    if (std::holds_alternative<api::Volatile>(view.config.kind)) return images::image_path(files, files.committed());
    if (view.session->no_snapshot_layer) return images::image_path(files, files.dirty());
    const bool snapshot = std::holds_alternative<api::Snapshot>(view.config.kind);
    const auto file = TRY(files.open(snapshot ? cow_name(files) : files.committed()));
    const auto running = snapshot ? stacks_.snapshot_session(file.get()) : stacks_.origin_session(file.get());
    if (!running) return base::Failure(running.error());
    if (!*running) return fail(Errc::NotFound, "the device of " + files.who() + " has vanished; stop it");
    return (*running)->device.path();
}

}  // namespace varve::file
