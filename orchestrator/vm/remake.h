// SPDX-License-Identifier: LGPL-2.1-or-later
// Changes of what a VM is: its definition and its volumes' places together.
#pragma once

#include "orchestrator/vm/surroundings.h"

namespace varve::vm {

// Of a halted VM. Busy when others depend on it. Repeated after a failure or a crash, a removal goes on where it ended.
[[nodiscard]] base::Result<> remove_halted(const Surroundings& world, const definitions::VmDefinition& vm);
[[nodiscard]] base::Result<> rename_halted(const Surroundings& world, const definitions::VmDefinition& vm, const base::VmName& to);

// Its committed states. A failure removes what was made.
[[nodiscard]] base::Result<> clone_vm(const Surroundings& world, const definitions::VmDefinition& vm, const base::VmName& to);

// What a kill, or a failure that could not be undone, left of the two above: a rename is finished, or undone when it cannot be; of a clone nothing
// is left. After an error it is still noted. Nobody else has the VMs.
[[nodiscard]] base::Result<> finish_remake(const Surroundings& world, const definitions::Remake& remake);

}  // namespace varve::vm
