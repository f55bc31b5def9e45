// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/recovery.h"

namespace varve::vm {

using hypervisor::DomainState;
using Phase = SessionRecord::Phase;

Repair decide(std::optional<Phase> record, std::optional<DomainState> domain) {
    if (!record) return domain ? Repair::Adopt : Repair::Nothing;
    switch (*record) {
        case Phase::Starting:
            // Only this program resumes such a domain, and it says so in the record first. Somebody else has: then it is a running guest.
            return domain == DomainState::Running ? Repair::Adopt : Repair::Undo;
        case Phase::Resuming:
            if (!domain) return Repair::FinishStop;
            return *domain == DomainState::Paused ? Repair::GoOn : Repair::Adopt;
        case Phase::Running: return domain ? Repair::Adopt : Repair::FinishStop;
    }
    return Repair::Nothing;
}

std::string_view name_of(Repair repair) {
    switch (repair) {
        case Repair::Nothing: return "nothing";
        case Repair::Undo: return "undo";
        case Repair::GoOn: return "go-on";
        case Repair::Adopt: return "adopt";
        case Repair::FinishStop: return "finish-stop";
        case Repair::FinishRename: return "finish-rename";
        case Repair::UndoClone: return "undo-clone";
    }
    return "";
}

}  // namespace varve::vm
