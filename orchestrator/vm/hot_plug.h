// SPDX-License-Identifier: LGPL-2.1-or-later
// Disks of running VMs.
#pragma once

#include "orchestrator/vm/machines.h"
#include "orchestrator/vm/surroundings.h"

namespace varve::vm {

// As foreign_disk() says.
[[nodiscard]] base::Result<definitions::TargetName> attach_disk(const Surroundings& world, const definitions::VmDefinition& vm,
                                                                const definitions::Uuid& domain, const AttachRequest& request);
// Busy for the disks of the VM's own volumes; TimedOut when the guest does not let go of it.
[[nodiscard]] base::Result<> detach_disk(const Surroundings& world, const definitions::VmDefinition& vm, const definitions::Uuid& domain,
                                         const definitions::TargetName& target);
// The volume has another size now: tells the guest, when it has it as a disk.
[[nodiscard]] base::Result<> tell_new_size(const Surroundings& world, const definitions::VmDefinition& vm, const definitions::Uuid& domain,
                                           const base::VolumeId& volume);

}  // namespace varve::vm
