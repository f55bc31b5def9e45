// SPDX-License-Identifier: LGPL-2.1-or-later
// What is done with one preloaded disposable. Everything blocks: for workers.
#pragma once

#include "orchestrator/definitions/store.h"
#include "orchestrator/preloading/give_back.h"
#include "orchestrator/preloading/makers.h"
#include "orchestrator/preloading/records.h"

#include <set>

namespace varve::preloading {

enum class HandOver { Done, Used };

// Thread-safe, for one disposable in one thread at a time. What it refers to outlives it.
class Workers {
public:
    Workers(const definitions::DefinitionStore& store, vm::Machines& machines, Makers& makers, const Records& records)
        : store_(store), machines_(machines), makers_(makers), records_(records) {}

    // The host's free memory, when it is less than `needed`, in which that of `counted` is.
    [[nodiscard]] std::optional<base::Bytes> shortage(const base::VmName& template_vm, base::Bytes needed,
                                                      const std::set<base::VmName>& counted) const;
    // Makes it, starts it and waits until it is ready.
    [[nodiscard]] base::Result<> create(const Record& record) const;
    // Memory goes back, and it is paused; in a hurry, neither.
    [[nodiscard]] base::Result<> settle(Record record, Haste& haste) const;
    // It has the networks that its template has now, runs, and is an ordinary disposable; its memory comes after. After an error it must be ended.
    // Io: its hypervisor may not answer. Used: it was heard to stand still, and somebody else has resumed it since; the request must not have it.
    [[nodiscard]] base::Result<HandOver> hand_over(Record record, bool stood_still) const;
    // Somebody resumed it: the same, but that its guest ran before. An error says which of that is lacking, and it is an ordinary disposable.
    [[nodiscard]] base::Result<> became_used(Record record) const;
    // What it gave back. Nobody waits for that.
    void return_memory(const base::VmName& vm) const;
    [[nodiscard]] base::Result<> end(const base::VmName& vm) const;

private:
    [[nodiscard]] base::Result<> bring_networks(const Record& record) const;

    const definitions::DefinitionStore& store_;
    vm::Machines& machines_;
    Makers& makers_;
    const Records& records_;
};

}  // namespace varve::preloading
