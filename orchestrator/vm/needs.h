// SPDX-License-Identifier: LGPL-2.1-or-later
// The VMs that a VM needs: started before it, and stopped again when that was in vain.
#pragma once

#include "orchestrator/vm/board.h"
#include "orchestrator/vm/surroundings.h"

#include <optional>
#include <string>
#include <vector>

namespace varve::vm {

// All that it refers to outlives it. Thread-safe.
class Needs {
public:
    // `machines` starts and stops them.
    Needs(const Surroundings& world, const Board& board, Machines& machines) : world_(world), board_(board), machines_(machines) {}

    // Those of the VM run, or are started in their order: `started` says which, also after a failure. InvalidArgument: what the definition refers to is
    // not there, or goes in a circle. Errors name nothing that only a needed VM needs, nor why one failed: not everybody who sees the VM sees these, whose
    // own stages and troubles tell it.
    [[nodiscard]] base::Result<> start(const definitions::VmDefinition& vm, std::vector<StartReport>& started,
                                       const StageListener& listener);
    // What was started for the start of `vm`, which failed: last first, unless somebody else needs it by now.
    void stop(const base::VmName& vm, const std::vector<StartReport>& started, const StageListener& listener);

private:
    [[nodiscard]] base::Result<> check_references(const definitions::VmDefinition& vm) const;
    // Nothing when it ran already, or somebody else has started it. `why` begins the errors.
    [[nodiscard]] base::Result<std::optional<StartReport>> ensure_runs(const base::VmName& vm, const std::string& why,
                                                                       const StageListener& listener);
    [[nodiscard]] std::chrono::milliseconds readiness_deadline(const base::VmName& vm) const;
    [[nodiscard]] bool needed_by_others(const base::VmName& vm) const;

    const Surroundings& world_;
    const Board& board_;
    Machines& machines_;
};

}  // namespace varve::vm
