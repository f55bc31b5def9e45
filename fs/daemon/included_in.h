// SPDX-License-Identifier: LGPL-2.1-or-later
// Pools within pools: so that nobody counts the same bytes twice.
#pragma once

#include "drivers/base/names.h"
#include "drivers/base/result.h"
#include "fs/engine/catalogue.h"

#include <filesystem>
#include <optional>

namespace varve::daemon {

// Whose image a path below the mount is: <mountpoint>/pools/<pool>/... By its name alone.
[[nodiscard]] std::optional<base::PoolName> pool_of_path(const std::filesystem::path& file, const std::filesystem::path& mountpoint);

// The other pool on one of whose volumes this pool's file system lies: on an image of the pool (by its own name, or by its path under
// `mountpoint`) that somebody made a loop device of. nullopt when there is none, and for pools without a directory.
[[nodiscard]] base::Result<std::optional<base::PoolName>> included_in(const engine::OpenPool& pool, const engine::Catalogue& catalogue,
                                                                      const std::filesystem::path& mountpoint);

}  // namespace varve::daemon
