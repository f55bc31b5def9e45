// SPDX-License-Identifier: LGPL-2.1-or-later
// Storage driver `file`: volumes as image files whose old states the kernel keeps in COW files (device-mapper), on any file system. Its files
// are those of the Qubes driver of the same name (docs/on-disk-formats.md).
#pragma once

#include "drivers/api/pool.h"
#include "drivers/base/timestamp.h"
#include "drivers/file/device_nodes.h"
#include "drivers/kernel/boot_id.h"
#include "drivers/kernel/device_mapper.h"
#include "drivers/kernel/filesystem.h"
#include "drivers/kernel/loops.h"

#include <memory>
#include <string>

namespace spdlog {
class logger;
}

namespace varve::file {

struct Settings {
    base::PoolName name;
    std::string dir_path;                                                       // absolute; the directory exists
    std::string device_uuid;                                                    // of this pool in the uuids of its devices: nobody else's
    api::RevisionsToKeep revisions_to_keep = api::RevisionsToKeep::standard();  // of volumes that say nothing themselves
};

struct Kernel {
    kernel::FileSystem& files;
    kernel::DeviceMapper& mapper;
    kernel::Loops& loops;
    std::shared_ptr<const DeviceNodes> nodes = std::make_shared<MapperNodes>();
};

// What is given by reference outlives the pool and its private images. The pool is thread-safe as api::Pool demands.
// InvalidArgument: dir_path is not absolute. NotFound: it does not exist. Unsupported: the kernel has no device-mapper, or not the targets.
[[nodiscard]] base::Result<std::unique_ptr<api::Pool>> open(const Settings& settings, const Kernel& kernel, api::StateIds& state_ids,
                                                            const base::Clock& clock, spdlog::logger& log, const kernel::BootId& boot_id);

}  // namespace varve::file
