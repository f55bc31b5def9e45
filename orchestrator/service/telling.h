// SPDX-License-Identifier: LGPL-2.1-or-later
// What is told to who starts or stops a VM.
#pragma once

#include "orchestrator/rpc/method_table.h"
#include "orchestrator/service/access.h"
#include "orchestrator/vm/machines.h"

#include <optional>
#include <string>
#include <vector>

namespace varve::service {

// Tells the stages of the VM itself (none: of no VM in particular), and of others that the caller sees. For as long as the call lasts.
[[nodiscard]] vm::StageListener telling(const rpc::Call& call, const Access& access, const std::optional<base::VmName>& vm);

// The same for a start, whose errors do not say why VMs failed that only needed ones need, nor why needed ones did. For one call, and its thread.
class StartTelling {
public:
    StartTelling(const rpc::Call& call, const Access& access, const std::optional<base::VmName>& vm);

    [[nodiscard]] vm::StageListener listener();
    // What came of the start, for the caller: reports, or behind the error reasons, of VMs that he sees.
    [[nodiscard]] base::Result<vm::StartReport> shown(base::Result<vm::StartReport> outcome) const;

private:
    [[nodiscard]] base::Failure explained(base::Error error) const;

    const vm::StageListener tell_;
    const definitions::Shown shown_;
    std::vector<vm::StageEvent> failed_;  // the last to fail first, which is the first reason
};

}  // namespace varve::service
