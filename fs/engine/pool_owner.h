// SPDX-License-Identifier: LGPL-2.1-or-later
// A pool has one owner at a time.
#pragma once

#include "drivers/base/names.h"
#include "drivers/base/result.h"

#include <boost/interprocess/sync/file_lock.hpp>

#include <filesystem>
#include <memory>
#include <optional>

namespace varve::engine {

// Holds `.varve-lock` in the pool's directory. The kernel drops such a lock with the process, also after SIGKILL, but also when ANY
// descriptor of the file is closed in this process: so it is opened once and never again.
class PoolOwner {
public:
    // Busy when another process owns it. Without a directory (a pool that no other process could open) nothing is locked.
    [[nodiscard]] static base::Result<PoolOwner> acquire(const base::PoolName& pool, const std::optional<std::filesystem::path>& directory);

private:
    explicit PoolOwner(std::unique_ptr<boost::interprocess::file_lock> lock) : lock_(std::move(lock)) {}
    std::unique_ptr<boost::interprocess::file_lock> lock_;
};

}  // namespace varve::engine
