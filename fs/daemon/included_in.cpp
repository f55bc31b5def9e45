// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/daemon/included_in.h"

#include "drivers/kernel/storage_below.h"
#include "fs/daemon/path_below.h"
#include "fs/engine/open_pool.h"
#include "fs/protocol/names.h"

#include <iterator>

namespace varve::daemon {
namespace {

namespace stdfs = std::filesystem;
using base::PoolName;
using base::Result;

std::optional<PoolName> pool_by_directory(const stdfs::path& file, const engine::Catalogue& catalogue) {
    for (const auto& pool : catalogue.pools()) {
        const auto directory = pool->driver().lock_directory();
        if (!directory) continue;
        std::error_code error;
        const auto real = stdfs::canonical(*directory, error);  // the kernel's names of files have no symbolic links
        if (!error && path_below(file, real)) return pool->name();
    }
    return std::nullopt;
}

}  // namespace

std::optional<PoolName> pool_of_path(const stdfs::path& file, const stdfs::path& mountpoint) {
    const auto inside = path_below(file, mountpoint);
    if (!inside || std::distance(inside->begin(), inside->end()) < 2 || *inside->begin() != stdfs::path(protocol::pools_directory))
        return std::nullopt;
    const auto name = PoolName::parse(std::next(inside->begin())->string());
    return name ? std::optional(*name) : std::nullopt;
}

Result<std::optional<PoolName>> included_in(const engine::OpenPool& pool, const engine::Catalogue& catalogue,
                                            const stdfs::path& mountpoint) {
    const auto directory = pool.driver().lock_directory();
    if (!directory) return std::nullopt;
    std::optional<PoolName> found;
    // Our own mount is not looked into: the answer would wait for ourselves, and its name says it all.
    const auto enter = [&](const stdfs::path& file) {
        if (!found) found = pool_of_path(file, mountpoint);
        if (!found) found = pool_by_directory(file, catalogue);
        return !found;
    };
    TRY(kernel::storage_below(*directory, enter));
    if (found && *found == pool.name()) return std::nullopt;
    return found;
}

}  // namespace varve::daemon
