// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/revision_text.h"

namespace varve::cli {

std::string reasons_to_keep(const mount_client::Revision& revision) {
    if (revision.kept.empty()) return "nothing, goes at the next prune";
    std::string all;
    for (const auto& reason : revision.kept) all.append(all.empty() ? "" : ", ").append(reason);
    return all;
}

}  // namespace varve::cli
