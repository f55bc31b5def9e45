// SPDX-License-Identifier: LGPL-2.1-or-later
// How a VM ends.
#pragma once

#include "orchestrator/vm/board.h"
#include "orchestrator/vm/surroundings.h"

#include <string>
#include <vector>

namespace varve::vm {

// Of a VM with a guest. After a failure before its domain has gone the VM is as it was.
[[nodiscard]] base::Result<StopReport> stop_claimed(const Surroundings& world, const definitions::VmDefinition& vm, Claim& claim,
                                                    const StopRequest& request, const StageListener& listener);
[[nodiscard]] base::Result<StopReport> kill_claimed(const Surroundings& world, const definitions::VmDefinition& vm, Claim& claim,
                                                    const StageListener& listener);

// Its domain has gone: the volumes of its session stop, and it is halted. When they cannot, its record stays, so that the next start or the
// next orchestrator tries again.
[[nodiscard]] base::Result<std::vector<StoppedVolume>> finish_stop(const Surroundings& world, Claim& claim, const std::string& reason);

}  // namespace varve::vm
