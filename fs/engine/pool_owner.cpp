// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/pool_owner.h"

#include "drivers/base/unique_fd.h"

#include <fcntl.h>

#include <cerrno>

namespace varve::engine {
namespace {

constexpr const char* lock_file = ".varve-lock";

// Makes the file without following a link that somebody planted.
base::Result<> ensure_lock_file(const std::filesystem::path& path) {
    const base::UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.valid()) return base::fail_errno(errno, "cannot open " + path.string());
    return {};
}

}  // namespace

base::Result<PoolOwner> PoolOwner::acquire(const base::PoolName& pool, const std::optional<std::filesystem::path>& directory) {
    if (!directory) return PoolOwner(nullptr);
    const auto path = *directory / lock_file;
    TRY(ensure_lock_file(path));
    try {
        auto lock = std::make_unique<boost::interprocess::file_lock>(path.c_str());
        if (!lock->try_lock())
            return base::fail(base::Errc::Busy,
                              "pool " + pool.str() + " in " + directory->string() + " is open in another varvefs; a pool has one owner");
        return PoolOwner(std::move(lock));
    } catch (const boost::interprocess::interprocess_exception& error) {
        return base::fail(base::Errc::Io, "cannot lock " + path.string() + ": " + error.what());
    }
}

}  // namespace varve::engine
