// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/protocol/names.h"
#include "orchestrator/cli/session_verb.h"

namespace varve::cli {
namespace {

std::string remark(const mount_client::Reply& reply) {
    if (!reply.committed) return reply.subject + "  stopped";
    auto text = reply.subject + "  committed";
    if (!reply.revision.empty()) text += ", the state before is kept as " + reply.revision;
    for (const auto& revision : reply.removed) text += ", " + revision + " removed";
    return text;
}

}  // namespace

Subcommand add_stop(CLI::App& parent) {
    return add_session_verb(
        parent, {std::string(protocol::verb::stop), "End volumes' sessions: commit what was written, or drop it, as their kinds say",
                 "The VM must have stopped using the devices. Revisions beyond revisions_to_keep are removed.\n\n"
                 "Examples:\n  varve stop fast/work\n  varve stop /varve/pools/fast/work/private.img",
                 &remark});
}

}  // namespace varve::cli
