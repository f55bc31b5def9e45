// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/protocol/names.h"
#include "orchestrator/cli/session_verb.h"

namespace varve::cli {

Subcommand add_start(CLI::App& parent) {
    return add_session_verb(parent, {std::string(protocol::verb::start), "Make volumes ready for a VM to run on, and say on which devices",
                                     "A volume that a crash left dirty goes on with what its VM had written.\n"
                                     "When one volume of a VM fails, those that had started are stopped again.\n\n"
                                     "Examples:\n  varve start fast/work\n  varve start fast/work/root fast/work/private",
                                     [](const mount_client::Reply& reply) { return reply.subject + "  " + reply.device; }});
}

}  // namespace varve::cli
