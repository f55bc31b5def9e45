// SPDX-License-Identifier: LGPL-2.1-or-later
// Storage driver `file-reflink`: volumes as image files on a file system that can share data between files (XFS, Btrfs, ...).
// Drop-in compatible, both ways, with the tree of the Qubes driver of the same name (docs/on-disk-formats.md).
#pragma once

#include "drivers/api/pool.h"
#include "drivers/base/timestamp.h"
#include "drivers/kernel/boot_id.h"
#include "drivers/kernel/filesystem.h"

#include <memory>
#include <string>

namespace spdlog {
class logger;
}

namespace varve::file_reflink {

struct Settings {
    base::PoolName name;
    std::string dir_path;     // absolute; the directory exists
    bool setup_check = true;  // refuse a directory that cannot clone; false: copy sparsely there
    api::RevisionsToKeep revisions_to_keep = api::RevisionsToKeep::standard();  // of volumes that say nothing themselves
};

// Opens the pool and probes with a real clone of a file with data whether the directory can share data; the probe's files are
// removed. What is given by reference outlives the pool and its private images. The pool is thread-safe as api::Pool demands.
// InvalidArgument: dir_path is not absolute. NotFound: it does not exist. Unsupported: it cannot clone and setup_check is set.
[[nodiscard]] base::Result<std::unique_ptr<api::Pool>> open(const Settings& settings, kernel::FileSystem& files, api::StateIds& state_ids,
                                                            const base::Clock& clock, spdlog::logger& log, const kernel::BootId& boot_id);

}  // namespace varve::file_reflink
