// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/stage.h"

namespace varve::vm {

std::string_view name_of(Stage stage) {
    switch (stage) {
        case Stage::Halted: return "halted";
        case Stage::Needs: return "needs";
        case Stage::Verify: return "verify";
        case Stage::Memory: return "memory";
        case Stage::Volumes: return "volumes";
        case Stage::Create: return "create";
        case Stage::Resume: return "resume";
        case Stage::Readiness: return "readiness";
        case Stage::Shutdown: return "shutdown";
        case Stage::StopVolumes: return "stop-volumes";
    }
    return "";
}

}  // namespace varve::vm
