// SPDX-License-Identifier: LGPL-2.1-or-later
// Which revisions pruning removes: one pure rule for all drivers.
#pragma once

#include "drivers/api/view.h"

#include <set>
#include <vector>

namespace varve::api {

struct Retention {
    RevisionsToKeep keep = RevisionsToKeep::standard();
    base::Timestamp now;                 // pruning's own time
    std::int64_t grace_seconds = 86400;  // prune_grace: states that the mount replaced less long ago are spared
    std::set<base::RevisionId> sources;  // revisions that snapshots are fixed to
};

// The revisions to remove, oldest state first: all timed ones beyond the newest `keep`, but for those that the grace spares.
// Labels and sources are pins: never removed, and not counted.
[[nodiscard]] std::vector<Revision> expired(const Revisions& revisions, const Retention& retention);

}  // namespace varve::api
