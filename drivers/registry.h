// SPDX-License-Identifier: LGPL-2.1-or-later
// The one table of storage drivers.
#pragma once

#include "drivers/api/pool.h"
#include "drivers/base/timestamp.h"
#include "drivers/kernel/block_access.h"
#include "drivers/kernel/boot_id.h"
#include "drivers/kernel/device_mapper.h"
#include "drivers/kernel/filesystem.h"
#include "drivers/kernel/keyring.h"
#include "drivers/kernel/loops.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace spdlog {
class logger;
}

namespace varve::registry {

// What every pool is given by main(); all of it outlives the pools.
struct Environment {
    kernel::FileSystem& files;
    kernel::DeviceMapper& device_mapper;
    kernel::Loops& loops;
    kernel::Keyring& keyring;
    kernel::BlockAccess& blocks;
    api::StateIds& state_ids;
    const base::Clock& clock;
    spdlog::logger& log;  // one line per backing operation
    kernel::BootId boot_id;
};

// A pool as configured: the driver's parameters under the names of the Qubes drivers.
struct PoolSettings {
    base::PoolName name;
    std::string driver;
    std::map<std::string, std::string> parameters;  // without those that all pools have (revisions_to_keep, owner, ...)
    api::RevisionsToKeep revisions_to_keep = api::RevisionsToKeep::standard();
};

// What is wrong with a pool's driver or parameters.
struct Problem {
    std::string parameter;  // empty: the driver, or all of it
    std::string what;
};

// The driver and its parameters, without a look at any storage: what open_pool refuses as InvalidArgument or InvalidName.
[[nodiscard]] base::Result<> check_settings(const PoolSettings& settings);
// The same, one by one; none when all is well.
[[nodiscard]] std::vector<Problem> problems_of(const PoolSettings& settings);

// Checks the parameters, sets the driver up (setup_check) and opens the pool; nothing on disk is changed but what the probe makes and removes.
// InvalidArgument for an unknown driver, and for unknown, missing or wrong parameters (all of them in one message).
[[nodiscard]] base::Result<std::unique_ptr<api::Pool>> open_pool(const PoolSettings& settings, const Environment& environment);

// Makes the storage of a pool of the driver `file` one of `file-reflink`, with all its states; `settings` are the file pool's. Then the pool may be
// opened with the settings that are returned. What file::convert_to_images promises holds: at any moment it still is a pool of `file`.
// InvalidArgument for another driver, Unsupported where file-reflink could not be, Busy while a volume is started or dirty.
[[nodiscard]] base::Result<PoolSettings> convert_pool(const PoolSettings& settings, const Environment& environment);

}  // namespace varve::registry
