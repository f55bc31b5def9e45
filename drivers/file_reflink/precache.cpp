// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/file_reflink/precache.h"

namespace varve::file_reflink {

using base::Errc;
using base::Result;
using images::VolumeFiles;

Result<bool> precache_is_valid(const VolumeFiles& files, const kernel::FileStatus& committed) {
    const auto found = files.pool().files.status(files.directory(), files.precache());
    if (!found && found.error().code == Errc::NotFound) return false;
    if (!found) return base::Failure(found.error());
    return found->type == kernel::FileType::Regular && found->size == committed.size && found->modified == committed.modified;
}

Result<> ensure_no_stale_precache(VolumeFiles& files) {
    const auto committed = TRY(files.pool().files.status(files.directory(), files.committed()));
    const auto found = files.pool().files.status(files.directory(), files.precache());
    // What somebody planted under the name is left for `verify` to tell of.
    if (!found || found->type != kernel::FileType::Regular || TRY(precache_is_valid(files, committed))) return {};
    (void)TRY(files.remove(files.precache()));  // gone by itself: the same
    return {};
}

Result<> build_precache(VolumeFiles& files, const api::VolumeView& present, const api::Pool::LockIfCurrent& lock_if_current) {
    auto& pool = files.pool();
    // A precache that must be copied would take the volume's space once more.
    if (pool.method != api::Method::Clone || !std::holds_alternative<api::Origin>(present.config.kind)) return {};
    if (!present.committed || present.session || present.keep(pool.settings.revisions_to_keep).no_snapshot_layer()) return {};

    const auto opened = pool.files.open_file(files.directory(), files.committed(), kernel::FileSystem::Access::Read);
    if (!opened && opened.error().code == Errc::NotFound) return {};  // the volume has changed
    if (!opened) return base::Failure(opened.error());
    const auto status = TRY(pool.files.status(opened->get()));
    const bool same = api::Identity{status.device, status.inode} == present.committed->identity;
    if (!same || status.size.count == 0 || TRY(precache_is_valid(files, status))) return {};

    auto image = TRY(files.clone(opened->get(), files.committed()));
    TRY(pool.files.set_modified(image.fd(), status.modified));
    TRY(pool.files.sync(image.fd()));
    const auto lock = lock_if_current();
    if (!lock) return {};
    // The inode may have got another time or content by hand meanwhile; then the precache would not agree, and is not used.
    return files.keep(image, files.precache(), kernel::FileSystem::Replace::Allow);
}

}  // namespace varve::file_reflink
