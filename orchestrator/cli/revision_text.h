// SPDX-License-Identifier: LGPL-2.1-or-later
// What tables say of a revision.
#pragma once

#include "orchestrator/mount_client/inventory.h"

#include <string>

namespace varve::cli {

// "newest, day", or that nothing keeps it.
[[nodiscard]] std::string reasons_to_keep(const mount_client::Revision& revision);

}  // namespace varve::cli
