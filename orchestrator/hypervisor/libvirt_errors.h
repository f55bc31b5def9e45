// SPDX-License-Identifier: LGPL-2.1-or-later
// libvirt's errors as ours.
#pragma once

#include "drivers/base/result.h"

#include <string>

namespace varve::hypervisor {

// For a libvirt call of this thread that has just failed: "what: <libvirt's message>".
[[nodiscard]] base::Failure libvirt_failure(const std::string& what);

}  // namespace varve::hypervisor
