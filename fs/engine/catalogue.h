// SPDX-License-Identifier: LGPL-2.1-or-later
// All open pools.
#pragma once

#include "fs/engine/open_pool.h"

#include <filesystem>
#include <map>
#include <memory>
#include <shared_mutex>
#include <vector>

namespace varve::engine {

// Thread-safe. A pool that was removed is closed, and lives on until its last user has let go of it.
class Catalogue {
public:
    Catalogue() = default;
    ~Catalogue();
    Catalogue(const Catalogue&) = delete;
    Catalogue& operator=(const Catalogue&) = delete;

    [[nodiscard]] base::Result<> add(std::shared_ptr<OpenPool> pool);  // Exists
    // Busy while a volume of it is started or being written, and what its driver says against it; its storage stays as it is.
    [[nodiscard]] base::Result<> remove(const base::PoolName& name);
    // An open pool whose storage this directory is; nullptr when there is none. A lock file cannot tell, as it is this process's own.
    [[nodiscard]] std::shared_ptr<OpenPool> owner_of(const std::filesystem::path& directory) const;
    [[nodiscard]] std::shared_ptr<OpenPool> find(const base::PoolName& name) const;  // nullptr when there is none
    [[nodiscard]] std::vector<std::shared_ptr<OpenPool>> pools() const;              // by name

private:
    mutable std::shared_mutex mutex_;
    std::map<base::PoolName, std::shared_ptr<OpenPool>> pools_;
};

}  // namespace varve::engine
