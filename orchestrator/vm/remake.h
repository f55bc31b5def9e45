// SPDX-License-Identifier: LGPL-2.1-or-later
// Changes of what a VM is: its definition and its volumes' places together.
#pragma once

#include "orchestrator/vm/surroundings.h"

namespace varve::vm {

// Of a halted VM. Busy when others depend on it. Repeated after a failure or a crash, each goes on where it ended.
[[nodiscard]] base::Result<> remove_halted(const Surroundings& world, const definitions::VmDefinition& vm);
[[nodiscard]] base::Result<> rename_halted(const Surroundings& world, const definitions::VmDefinition& vm, const base::VmName& to);

// Its committed states. A failure removes what was made.
[[nodiscard]] base::Result<> clone_vm(const Surroundings& world, const definitions::VmDefinition& vm, const base::VmName& to);

}  // namespace varve::vm
