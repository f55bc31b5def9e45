// SPDX-License-Identifier: LGPL-2.1-or-later
// What is told to who starts or stops a VM.
#pragma once

#include "orchestrator/rpc/method_table.h"
#include "orchestrator/service/access.h"
#include "orchestrator/vm/machines.h"

#include <optional>
#include <vector>

namespace varve::service {

// Tells the stages of the VM itself (none: of no VM in particular), and of others that the caller sees. For as long as the call lasts.
[[nodiscard]] vm::StageListener telling(const rpc::Call& call, const Access& access, const std::optional<base::VmName>& vm);

// Without those of VMs that may not be shown, of which nothing is told.
[[nodiscard]] std::vector<vm::StartReport> shown_of(std::vector<vm::StartReport> reports, const definitions::Shown& shown);

}  // namespace varve::service
