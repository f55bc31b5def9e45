// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/protocol/names.h"
#include "orchestrator/cli/session_verb.h"

namespace varve::cli {
namespace {

std::string remark(const mount_client::Reply& reply) {
    if (!reply.committed) return reply.subject + "  nothing was written since the last commit";
    auto text = reply.subject + "  committed, and it runs on";
    if (!reply.revision.empty()) text += ", the state before is kept as " + reply.revision;
    for (const auto& revision : reply.removed) text += ", " + revision + " removed";
    return text;
}

}  // namespace

Subcommand add_commit(CLI::App& parent) {
    return add_session_verb(
        parent, {std::string(protocol::verb::commit), "Commit what running VMs have written so far; they run on",
                 "What a VM still holds in its memory is not in it: freeze its file systems first, as \"varve template commit\" does.\n\n"
                 "Examples:\n  varve commit fast/fedora\n  varve commit fast/fedora/root",
                 &remark});
}

}  // namespace varve::cli
