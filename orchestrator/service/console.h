// SPDX-License-Identifier: LGPL-2.1-or-later
// The guest's terminal for those who may use it and are not its hypervisor's account.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/unique_fd.h"
#include "orchestrator/vm/machines.h"

#include <filesystem>

namespace varve::service {

// `path`: what `machines.console()` has said. A terminal's number is used again when its owner has gone, so what is open is given to nobody before
// the VM is known to have it still. Busy: it has another one by now, or none.
[[nodiscard]] base::Result<base::UniqueFd> open_console(const vm::Machines& machines, const base::VmName& vm,
                                                        const std::filesystem::path& path);

}  // namespace varve::service
