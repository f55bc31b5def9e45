// SPDX-License-Identifier: LGPL-2.1-or-later
// Committing what a VM has written while it runs.
#pragma once

#include "orchestrator/vm/machines.h"
#include "orchestrator/vm/surroundings.h"

namespace varve::vm {

// `state`: whether the guest runs, so that it can be asked. When one volume fails those before it are committed, and the error says so.
[[nodiscard]] base::Result<CommitReport> commit_running(const Surroundings& world, const definitions::VmDefinition& vm,
                                                        const definitions::Uuid& domain, VmState state);

}  // namespace varve::vm
