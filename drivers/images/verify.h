// SPDX-License-Identifier: LGPL-2.1-or-later
// What is wrong in a VM's directory, in words. Changes nothing.
#pragma once

#include "drivers/api/pool.h"
#include "drivers/images/vm_directory.h"

#include <vector>

namespace varve::images {

[[nodiscard]] base::Result<std::vector<api::Finding>> verify(Context& pool, const VmDirectory& vm);

}  // namespace varve::images
