// SPDX-License-Identifier: LGPL-2.1-or-later
// Disks of a VM that are not its own volumes: states in the mount, and files and block devices of the host.
#pragma once

#include "orchestrator/vm/storage.h"

namespace varve::vm {

// How it is attached. InvalidArgument for a state that is to be written: a volume is its own VM's to write, and a revision never changes.
[[nodiscard]] base::Result<Attachable> foreign_disk(Storage& storage, const std::filesystem::path& path, bool writable);

}  // namespace varve::vm
