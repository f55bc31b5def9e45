// SPDX-License-Identifier: LGPL-2.1-or-later
// The values of a pool's `.varve`.
#pragma once

#include "drivers/base/result.h"
#include "fs/engine/open_pool.h"
#include "fs/engine/volumes.h"

#include <span>
#include <string>
#include <string_view>

namespace varve::control {

class PoolAdministration;

// What else a pool's values are made of.
struct PoolSources {
    const PoolAdministration& administration;
    const engine::Volumes& volumes;
};

struct PoolValue {
    std::string_view name;
    base::Result<std::string> (*read)(const engine::OpenPool& pool, const PoolSources& sources);  // the text with its newline
    base::Result<> (*write)(engine::OpenPool& pool, std::string_view text) = nullptr;             // the text without it; nullptr: read-only
    bool owners_only = false;  // tells of VMs whose directories may be closed to others
};

[[nodiscard]] std::span<const PoolValue> pool_values();

}  // namespace varve::control
