// SPDX-License-Identifier: LGPL-2.1-or-later
// The values of a pool's `.varve`.
#pragma once

#include "drivers/base/result.h"
#include "fs/engine/open_pool.h"

#include <span>
#include <string>
#include <string_view>

namespace varve::control {

class PoolAdministration;

struct PoolValue {
    std::string_view name;
    base::Result<std::string> (*read)(const engine::OpenPool& pool, const PoolAdministration& administration);  // the text with its newline
    base::Result<> (*write)(engine::OpenPool& pool, std::string_view text) = nullptr;  // the text without it; nullptr: read-only
};

[[nodiscard]] std::span<const PoolValue> pool_values();

}  // namespace varve::control
