// SPDX-License-Identifier: LGPL-2.1-or-later
// Renames and clones that a predecessor was killed in.
#pragma once

#include "orchestrator/vm/board.h"
#include "orchestrator/vm/life_cycle.h"
#include "orchestrator/vm/surroundings.h"

#include <vector>

namespace varve::vm {

// All that it refers to outlives it. Thread-safe.
class CutOffRemakes {
public:
    CutOffRemakes(const Surroundings& world, Board& board) : world_(world), board_(board) {}

    // All of them; what cannot be done yet is told, and tried again.
    [[nodiscard]] std::vector<Repaired> finish_all();
    // The one that is about the VM, if there is one. Before anything is done with the VM: the mount may have come only now.
    [[nodiscard]] base::Result<> finish_of(const base::VmName& vm);

private:
    const Surroundings& world_;
    Board& board_;
};

}  // namespace varve::vm
