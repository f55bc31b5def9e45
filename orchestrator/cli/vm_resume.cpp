// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/orchestrator_command.h"

namespace varve::cli {

OrchestratorSubcommand add_vm_resume(CLI::App& parent) {
    return add_vm_verb(parent, {"resume", "Let a paused VM go on", "Examples:\n  varve vm resume work", "resumed"});
}

}  // namespace varve::cli
