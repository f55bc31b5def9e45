// SPDX-License-Identifier: LGPL-2.1-or-later
// Which boot of the machine this is.
#pragma once

#include "drivers/base/result.h"

#include <string>

namespace varve::kernel {

// /proc/sys/kernel/random/boot_id: 36 characters, new at every boot.
struct BootId {
    std::string text;
    friend bool operator==(const BootId&, const BootId&) = default;
};

[[nodiscard]] base::Result<BootId> read_boot_id();

}  // namespace varve::kernel
