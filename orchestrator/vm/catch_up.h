// SPDX-License-Identifier: LGPL-2.1-or-later
// Compares domains, records of sessions and volumes when nobody has looked after them, and repairs the difference (recovery.h decides how).
#pragma once

#include "orchestrator/vm/board.h"
#include "orchestrator/vm/life_cycle.h"
#include "orchestrator/vm/surroundings.h"

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace varve::vm {

// All that it refers to outlives it. Thread-safe.
class CatchUp {
public:
    // `resumed` is told of guests that somebody resumed while their hypervisor did not answer.
    CatchUp(const Surroundings& world, Board& board, std::function<void(const base::VmName& vm)> resumed)
        : world_(world), board_(board), resumed_(std::move(resumed)) {}

    // With the VMs of one hypervisor. Nothing when it does not answer: it tells when it does.
    [[nodiscard]] std::vector<Repaired> with_hypervisor(const std::string& uri);

    // With the halted VMs that have a record: their volumes could not be reached when they ended.
    void with_left_sessions();

private:
    void mark_unknown(const std::set<base::VmName>& vms, const std::string& why);
    [[nodiscard]] Repaired with_vm(const base::VmName& vm, const std::string& uri);
    [[nodiscard]] base::Result<> carry_out(Repair repair, Claim& claim, hypervisor::Hypervisor& hypervisor,
                                           const std::optional<hypervisor::Domain>& domain, const std::optional<SessionRecord>& record);
    [[nodiscard]] base::Result<> undo(Claim& claim, hypervisor::Hypervisor& hypervisor, const std::optional<hypervisor::Domain>& domain,
                                      const SessionRecord& record);
    [[nodiscard]] base::Result<> adopt(Claim& claim, hypervisor::Hypervisor& hypervisor, const hypervisor::Domain& domain,
                                       const std::optional<SessionRecord>& record);

    const Surroundings& world_;
    Board& board_;
    const std::function<void(const base::VmName& vm)> resumed_;
};

}  // namespace varve::vm
