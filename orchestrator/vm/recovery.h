// SPDX-License-Identifier: LGPL-2.1-or-later
// What to do about a session that nobody looks after: after this process was killed, or while the hypervisor did not answer. Pure.
#pragma once

#include "orchestrator/hypervisor/hypervisor.h"
#include "orchestrator/vm/session_records.h"

#include <optional>
#include <string_view>

namespace varve::vm {

enum class Repair {
    Nothing,     // no session
    Undo,        // a start that was cut off before its guest could run: destroy the domain, drop what the volumes hold
    GoOn,        // cut off at the resume: resume it
    Adopt,       // it runs or is paused: look after it from now on
    FinishStop,  // it ran, and its domain has gone: its volumes commit or discard, by kind
    // Of renames and clones that were cut off (remake.h); decide() knows nothing of these.
    FinishRename,
    UndoClone,
};

// `domain`: the state of the VM's domain that has our mark; none when there is no such domain.
[[nodiscard]] Repair decide(std::optional<SessionRecord::Phase> record, std::optional<hypervisor::DomainState> domain);

[[nodiscard]] std::string_view name_of(Repair repair);

}  // namespace varve::vm
