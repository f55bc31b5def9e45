// SPDX-License-Identifier: LGPL-2.1-or-later
// Storage driver `lvm_thin`: volumes as thin LVs of one LVM thin pool, with the names of the Qubes driver of the same name.
#pragma once

#include "drivers/api/pool.h"
#include "drivers/base/timestamp.h"
#include "drivers/kernel/boot_id.h"
#include "drivers/lvm_thin/lvm.h"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace spdlog {
class logger;
}

namespace varve::lvm_thin {

struct Settings {
    base::PoolName name;
    std::string volume_group;
    std::string thin_pool;
    api::RevisionsToKeep revisions_to_keep = api::RevisionsToKeep::standard();  // of volumes that say nothing themselves
    // Starts are refused when more of the thin pool is used: a pool that is full gives guests I/O errors.
    base::Percent data_watermark{95};
    base::Percent metadata_watermark{90};
};

// More than 0%: with that nothing would ever start.
[[nodiscard]] base::Result<base::Percent> parse_watermark(std::string_view text);

// Where the lock of a pool's owner is: it must not outlive a boot, and a thin pool has no directory.
[[nodiscard]] std::filesystem::path lock_directory(const Settings& settings);

// Looks at the thin pool; nothing is changed. What is given by reference outlives the pool; `lvm` is the one of this thin pool. Thread-safe as
// api::Pool demands. InvalidName for names that LVM would not take, NotFound when there is no such thin pool, Unsupported when it does not zero
// new blocks.
[[nodiscard]] base::Result<std::unique_ptr<api::Pool>> open(const Settings& settings, std::unique_ptr<Lvm> lvm, api::StateIds& state_ids,
                                                            const base::Clock& clock, spdlog::logger& log, const kernel::BootId& boot_id);

}  // namespace varve::lvm_thin
