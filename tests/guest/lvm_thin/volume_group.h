// SPDX-License-Identifier: LGPL-2.1-or-later
// A volume group with a thin pool on the guest's disk.
#pragma once

#include "drivers/base/result.h"

#include <string>
#include <vector>

namespace varve::guest {

inline constexpr const char* volume_group = "vg0";
inline constexpr const char* thin_pool = "pool-00";  // as Qubes calls it, with a dash

// Runs a command of LVM's own programs; its output.
base::Result<std::string> lvm(std::vector<std::string> words);
// Made when it is first asked for; the guest and its disk go together.
base::Result<> make_volume_group();
// Removes every volume of the pool, and the pool's tags.
base::Result<> empty_thin_pool();
// As a reboot does: every volume is deactivated, and activated again.
base::Result<> reactivate();

}  // namespace varve::guest
