// SPDX-License-Identifier: LGPL-2.1-or-later
// The volumes of one VM's session, all at once.
#pragma once

#include "orchestrator/definitions/vm_definition.h"
#include "orchestrator/vm/machines.h"
#include "orchestrator/vm/session_records.h"
#include "orchestrator/vm/storage.h"

#include <vector>

namespace varve::vm {

// Where a VM's volume is.
[[nodiscard]] base::VolumeId volume_id(const base::VmName& vm, const definitions::VolumeUse& use);
// The pools that a VM has volumes in, each once.
[[nodiscard]] std::vector<base::PoolName> pools_of(const definitions::VmDefinition& vm);

// The volumes as they will be in the session. NotFound and InvalidArgument for what cannot start; Busy for a volume that somebody started,
// unless `earlier`, the VM's record, says that it was left so for the next start to go on with.
[[nodiscard]] base::Result<std::vector<SessionVolume>> plan_volumes(Storage& storage, const definitions::VmDefinition& vm,
                                                                    const std::optional<SessionRecord>& earlier);

// In parallel; what each is attached as, in the same order. The error is of the first that failed; the others may be started.
[[nodiscard]] base::Result<std::vector<Attachable>> start_volumes(Storage& storage, const std::vector<SessionVolume>& volumes);

// Each in parallel: those that are started, and only those: a dirty one is left for the user to decide. All are tried, whatever fails; the
// error tells of each. `stop_volumes` commits or discards by kind; `drop_volumes` undoes a start whose guest has executed nothing, and leaves
// alone what was dirty before it.
[[nodiscard]] base::Result<std::vector<StoppedVolume>> stop_volumes(Storage& storage, const std::vector<SessionVolume>& volumes);
[[nodiscard]] base::Result<> drop_volumes(Storage& storage, const std::vector<SessionVolume>& volumes);

// Of a record whose session could not be ended when it was time: each volume as its phase wants. Does nothing the second time.
[[nodiscard]] base::Result<> end_session(Storage& storage, const SessionRecord& record);

// Of a halted disposable: what a session that the machine did not survive left in the volumes that keep nothing, so that it starts anew, and can be
// removed. Nothing happens to other VMs, whose dirty volumes their next start goes on with, nor to volumes that are started.
[[nodiscard]] base::Result<> discard_leftovers(Storage& storage, const definitions::VmDefinition& vm);

// Drops a session whose guest has executed nothing, and its record: but for the volumes that were dirty before it. Those stay started, which
// is to say uncommitted, and noted, so that the next start goes on with them.
[[nodiscard]] base::Result<> drop_session(Storage& storage, SessionRecords& records, SessionRecord record);

}  // namespace varve::vm
