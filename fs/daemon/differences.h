// SPDX-License-Identifier: LGPL-2.1-or-later
// What a configuration says otherwise than the one in force, by its keys; pure.
#pragma once

#include "fs/config/config.h"

#include <string>
#include <vector>

namespace varve::daemon {

// Of the keys above the pools.
[[nodiscard]] std::vector<std::string> differences(const config::Config& in_force, const config::Config& wanted);

// Of a pool's keys, those that are read when it is opened and not again.
[[nodiscard]] std::vector<std::string> differences_when_opened(const config::PoolConfig& opened, const config::PoolConfig& wanted);

}  // namespace varve::daemon
