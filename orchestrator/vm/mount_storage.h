// SPDX-License-Identifier: LGPL-2.1-or-later
// The volumes of a mounted Varve file system.
#pragma once

#include "orchestrator/vm/storage.h"

#include <memory>
#include <string>

namespace varve::vm {

// Opens the mount anew for each call, so that it goes on when varvefs has been started again.
[[nodiscard]] std::unique_ptr<Storage> make_mount_storage(std::string mountpoint);

}  // namespace varve::vm
