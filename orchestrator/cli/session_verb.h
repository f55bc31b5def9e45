// SPDX-License-Identifier: LGPL-2.1-or-later
// start, stop and discard: one verb for each of several VMs or volumes.
#pragma once

#include "orchestrator/cli/ctl.h"

namespace varve::cli {

struct SessionVerb {
    std::string verb;
    std::string description;
    std::string footer;
    Remark remark;
};

[[nodiscard]] Subcommand add_session_verb(CLI::App& parent, SessionVerb verb);

}  // namespace varve::cli
