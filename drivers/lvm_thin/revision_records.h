// SPDX-License-Identifier: LGPL-2.1-or-later
// Revisions among the records: their names, numbers and ends. Pure.
#pragma once

#include "drivers/api/retention.h"
#include "drivers/lvm_thin/records.h"

namespace varve::lvm_thin {

// By either name of a timed one. NotFound.
[[nodiscard]] base::Result<LvUuid> find_revision(const Records& records, const RecordId& volume, const base::VolumePath& path,
                                                 const base::RevisionId& revision);
// The committed state becomes a revision of its time; `replaced` when an operation of the mount replaced it.
void keep_as_revision(Records& records, const LvUuid& committed, base::Timestamp now, std::optional<base::Timestamp> replaced);
// Gives a state that is restored under this name what the name says.
void name_restored(const Records& records, StateRecord& state, const base::RevisionId& id);
// Makes garbage of the revisions that the retention lets go.
void prune_records(Records& records, const RecordId& volume, const api::Revisions& revisions, const api::Retention& retention);
// Times beyond the years that a name can show are named by the nearest one.
[[nodiscard]] std::int64_t nameable(std::int64_t seconds);

}  // namespace varve::lvm_thin
