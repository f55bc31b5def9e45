// SPDX-License-Identifier: LGPL-2.1-or-later
// The locks by which QEMU and qemu-img keep out of each other's way. Within this folder only.
#pragma once

#include "drivers/base/result.h"

#include <string>

namespace varve::domain_adoption {

// No QEMU begins to write to the image, or to resize it, before this open file has been closed everywhere; those that only read are not hindered. Of a file
// system without such locks nothing is promised. Busy: somebody has it open for writing already. `name` is for messages.
[[nodiscard]] base::Result<> keep_qemu_from_writing(int image, const std::string& name);

}  // namespace varve::domain_adoption
