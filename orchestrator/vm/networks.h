// SPDX-License-Identifier: LGPL-2.1-or-later
// The networks of running VMs.
#pragma once

#include "orchestrator/vm/surroundings.h"

#include <vector>

namespace varve::vm {

// The domain's interfaces, which are those of the definition, or what a change to `wanted` that was broken off has left, get the networks of
// `wanted`, in their order. What is too much has no link any more
// when this returns, and the guest is asked to let go of it; what lacks is plugged in. All of that also while the guest stands still, where the
// hypervisor can change an interface; where it cannot, TimedOut when the guest does not let go of one. Busy: somebody else changed the domain's
// interfaces. Unsupported: other fixed addresses, which a guest is told once. After an error the domain may have some of both, and must not be given to anybody.
[[nodiscard]] base::Result<> change_networks(const Surroundings& world, const definitions::VmDefinition& vm,
                                             const definitions::Uuid& domain, const std::vector<definitions::Interface>& wanted);

}  // namespace varve::vm
