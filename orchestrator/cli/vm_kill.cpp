// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/orchestrator_command.h"

namespace varve::cli {

OrchestratorSubcommand add_vm_kill(CLI::App& parent) {
    return add_vm_verb(parent,
                       {"kill", "End a VM at once, whatever its guest does",
                        "Its volumes commit or discard what was written, as after any stop.\n\nExamples:\n  varve vm kill work", "killed"});
}

}  // namespace varve::cli
