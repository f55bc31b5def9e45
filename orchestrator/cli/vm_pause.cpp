// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/orchestrator_command.h"

namespace varve::cli {

OrchestratorSubcommand add_vm_pause(CLI::App& parent) {
    return add_vm_verb(parent, {"pause", "Let a running VM stand still", "Examples:\n  varve vm pause work", "paused"});
}

}  // namespace varve::cli
