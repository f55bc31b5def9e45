// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/file_reflink/reflink_driver.h"

#include "drivers/file_reflink/precache.h"
#include "drivers/file_reflink/session.h"
#include "drivers/file_reflink/state_files.h"
#include "drivers/images/image_sessions.h"
#include "drivers/images/load_revisions.h"
#include "drivers/images/volume_life.h"

namespace varve::file_reflink {

using api::VolumeView;
using base::Result;
using images::VolumeFiles;

api::Capabilities ReflinkDriver::capabilities() const {
    return {.revisions = true,
            .label = method_,
            .clone = method_,
            .transaction = method_,
            .origin_snapshot = true,
            .no_snapshot_layer = true,
            .commit_running = method_ == api::Method::Clone,  // a copy takes its time, while the VM writes on
            .ephemeral = false,
            .clone_ranges = method_ == api::Method::Clone};
}

// ---- files
bool ReflinkDriver::uses(const images::Entry& entry) const {
    using namespace images;
    return !std::holds_alternative<CowFile>(entry) && !std::holds_alternative<OldCowFile>(entry) &&
           !std::holds_alternative<BaseCowFile>(entry) && !std::holds_alternative<SessionFile>(entry) &&
           !std::holds_alternative<GrownFile>(entry);
}

bool ReflinkDriver::fits(const images::Entry& entry, const api::Kind& kind) const {
    using namespace images;
    const bool state = std::holds_alternative<TimedFile>(entry) || std::holds_alternative<PinFile>(entry);
    if (std::holds_alternative<CommittedFile>(entry)) return !std::holds_alternative<api::Volatile>(kind);
    if (std::holds_alternative<BaseFile>(entry)) return std::holds_alternative<api::OriginSnapshot>(kind);
    return !state || api::saves_on_stop(kind);
}

Result<api::Identity> ReflinkDriver::identity(const VolumeFiles&, int, const kernel::FileStatus& status) const {
    return api::Identity{status.device, status.inode};
}

Result<std::string> ReflinkDriver::revision_file(const VolumeFiles& files, const api::Revision& revision) const {
    return files.image_of(revision);
}

std::vector<std::string> ReflinkDriver::leftovers(const VolumeFiles& files) const {
    return {files.precache(), files.import(), file_name(images::BaseFile{files.volume()})};
}

// ---- what is on disk
Result<> ReflinkDriver::load(VolumeFiles& files, const images::Names& names, images::KnownStates& known, VolumeView& view) {
    const auto& kind = view.config.kind;
    const auto observe = [&](const std::string& name) -> Result<api::State> {
        const auto file = TRY(files.open(name));
        return known.observe(files, file.get());
    };
    if (api::saves_on_stop(kind)) {
        if (names.committed) view.committed = TRY(observe(files.committed()));
        view.revisions = TRY(images::load_revisions(files, names, known));
        if (names.precache && names.committed) TRY(ensure_no_stale_precache(files));
    }
    const bool own_base = std::holds_alternative<api::Snapshot>(kind);
    const bool has_base = own_base ? names.committed : names.base && std::holds_alternative<api::OriginSnapshot>(kind);
    if (!names.dirty) {
        // A start that did not come to its rename, or a stop that did not come to its second unlink.
        if (has_base) (void)TRY(files.remove(base_name(files, kind)));
        return {};
    }
    view.session = TRY(images::load_session(files, view.config, files.dirty()));
    if (has_base) view.session->base = TRY(observe(base_name(files, kind)));
    view.session->no_snapshot_layer = std::holds_alternative<api::Origin>(kind) && !view.committed;
    return {};
}

Result<> ReflinkDriver::verify(const VolumeFiles& files, const images::Names& names, const AddFinding& add) const {
    if (!names.precache) return {};
    auto& port = files.pool().files;
    const auto committed = port.status(files.directory(), files.committed());
    if (!committed && committed.error().code != base::Errc::NotFound) return base::Failure(committed.error());
    if (committed && !TRY(precache_is_valid(files, *committed)) && TRY(files.exists(files.precache())))
        add(files.precache(), "it does not agree with the committed state and will not be used");
    return {};
}

// ---- sessions
Result<VolumeView> ReflinkDriver::start(VolumeFiles& files, const VolumeView& present, const api::Start& command) {
    return file_reflink::start(files, present, command);
}

Result<VolumeView> ReflinkDriver::stop(VolumeFiles& files, const VolumeView& present, const api::Stop& command) {
    return file_reflink::stop(files, present, command);
}

Result<VolumeView> ReflinkDriver::commit(VolumeFiles& files, const VolumeView& present, const api::Commit& command) {
    return file_reflink::commit(files, present, command);
}

Result<VolumeView> ReflinkDriver::resize(VolumeFiles& files, const VolumeView& present, base::Bytes size) {
    if (std::holds_alternative<api::Volatile>(present.config.kind)) return images::resize_volatile(files, present, size, files.dirty());
    if (present.session) return images::resize_session(files, present, size, files.dirty());
    if (present.committed) return images::resize_committed(files, present, size);
    return present;
}

Result<std::filesystem::path> ReflinkDriver::device(const VolumeFiles& files, const VolumeView&) const {
    return images::image_path(files, files.dirty());
}

Result<> ReflinkDriver::prepare_start(VolumeFiles& files, const VolumeView& present, const api::Pool::LockIfCurrent& lock_if_current) {
    return build_precache(files, present, lock_if_current);
}

// ---- states
Result<base::UniqueFd> ReflinkDriver::open_state(const VolumeFiles& files, const VolumeView& view, const api::StateRef& state) const {
    return file_reflink::open_state(files, view, state);
}

Result<base::UniqueFd> ReflinkDriver::open_to_copy(const VolumeFiles& files, const VolumeView&) const {
    return files.open(files.committed());
}

Result<base::Bytes> ReflinkDriver::exclusive(const VolumeFiles& files, const VolumeView& view, const api::StateRef& state) const {
    const auto file = TRY(file_reflink::open_state(files, view, state));
    return files.pool().files.exclusive(file.get());
}

Result<base::Extents> ReflinkDriver::may_differ(const VolumeFiles& files, int one, int other) const {
    auto found = files.pool().files.differing(one, other);
    if (!found && found.error().code == Errc::Unsupported) return Driver::may_differ(files, one, other);
    return found;
}

// The precache is a copy of the committed state: it goes before that changes.
Result<> ReflinkDriver::drop_prepared(VolumeFiles& files) {
    (void)TRY(files.remove(files.precache()));  // whether there was one does not matter
    return {};
}

Result<> ReflinkDriver::before_replacing(VolumeFiles& files, const VolumeView&) { return drop_prepared(files); }

}  // namespace varve::file_reflink
