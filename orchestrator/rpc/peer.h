// SPDX-License-Identifier: LGPL-2.1-or-later
// Who is at the other end of a Unix socket.
#pragma once

#include "drivers/base/result.h"
#include "orchestrator/config/rights.h"

namespace varve::rpc {

// As of its connect(2), whatever the process has become since: SO_PEERCRED and, for its supplementary groups, SO_PEERGROUPS (Linux 4.13).
[[nodiscard]] base::Result<orchestrator::Caller> peer_of(int socket);

}  // namespace varve::rpc
