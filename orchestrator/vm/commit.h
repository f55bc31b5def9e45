// SPDX-License-Identifier: LGPL-2.1-or-later
// Committing what a VM has written while it runs.
#pragma once

#include "orchestrator/vm/machines.h"
#include "orchestrator/vm/surroundings.h"

namespace varve::vm {

// `state`: whether the guest runs, so that it can be asked. When one volume fails those before it are committed, and the error says so.
[[nodiscard]] base::Result<CommitReport> commit_running(const Surroundings& world, const definitions::VmDefinition& vm,
                                                        const definitions::Uuid& domain, VmState state);

// After a kill in the middle of that: the guest's file systems are thawed. Nothing happens unless the record says that they may be frozen. After an
// error it goes on saying so.
[[nodiscard]] base::Result<> thaw_left_frozen(const Surroundings& world, SessionRecord record, hypervisor::Hypervisor& hypervisor,
                                              const definitions::Uuid& domain);

}  // namespace varve::vm
