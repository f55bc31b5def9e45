// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/protocol/names.h"
#include "orchestrator/cli/session_verb.h"

namespace varve::cli {

Subcommand add_discard(CLI::App& parent) {
    return add_session_verb(parent, {std::string(protocol::verb::discard), "End volumes' sessions and drop all that was written in them",
                                     "The committed states stay as they were before 'varve start'. What was written is gone for good.\n\n"
                                     "Examples:\n  varve discard fast/work\n  varve discard fast/work/private",
                                     [](const mount_client::Reply& reply) { return reply.subject + "  discarded"; }});
}

}  // namespace varve::cli
