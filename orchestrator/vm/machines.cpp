// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/machines.h"

namespace varve::vm {

std::string_view name_of(VmState state) {
    switch (state) {
        case VmState::Halted: return "halted";
        case VmState::Starting: return "starting";
        case VmState::Running: return "running";
        case VmState::Paused: return "paused";
        case VmState::Stopping: return "stopping";
        case VmState::Unknown: return "unknown";
    }
    return "";
}

}  // namespace varve::vm
