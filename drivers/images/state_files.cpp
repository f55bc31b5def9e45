// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/images/state_files.h"

#include "drivers/images/driver.h"

namespace varve::images {

using base::Errc;
using base::fail;
using base::Result;

Result<base::UniqueFd> open_exactly(const VolumeFiles& files, const std::string& name, const api::Identity& identity) {
    auto file = TRY(files.open(name));
    const auto status = TRY(files.pool().files.status(file.get()));
    if (TRY(files.pool().driver->identity(files, file.get(), status)) != identity)
        return fail(Errc::NotFound, files.who() + ": " + name + " is another state by now");
    return file;
}

base::Failure no_committed_state(const VolumeFiles& files, const api::VolumeView& view) {
    if (view.session && view.session->no_snapshot_layer)
        return fail(Errc::Busy, files.who() + " has no snapshot layer (revisions_to_keep is -1) and its VM runs");
    return fail(Errc::NotFound, files.who() + " has no committed state");
}

Result<const api::Revision*> find_revision(const VolumeFiles& files, const api::VolumeView& view, const base::RevisionId& id) {
    if (const auto* revision = view.revisions.find(id)) return revision;
    return fail(Errc::NotFound, files.who() + " has no revision " + id.str());
}

base::Failure no_base(const VolumeFiles& files) { return fail(Errc::NotFound, files.who() + " does not run from a base"); }

}  // namespace varve::images
