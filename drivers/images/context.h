// SPDX-License-Identifier: LGPL-2.1-or-later
// What all parts of one open pool share.
#pragma once

#include "drivers/api/capabilities.h"
#include "drivers/api/state.h"
#include "drivers/api/volume_config.h"
#include "drivers/base/timestamp.h"
#include "drivers/base/unique_fd.h"
#include "drivers/images/backing_log.h"
#include "drivers/images/layerless.h"
#include "drivers/images/reaper.h"
#include "drivers/images/started_images.h"
#include "drivers/kernel/boot_id.h"
#include "drivers/kernel/filesystem.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

namespace spdlog {
class logger;
}

namespace varve::images {

class Driver;

struct Settings {
    base::PoolName name;
    std::string dir_path;                                                       // absolute; the directory exists
    api::RevisionsToKeep revisions_to_keep = api::RevisionsToKeep::standard();  // of volumes that say nothing themselves
};

// Names that nobody else uses: a random start for this pool object, and a count. Thread-safe.
class TemporaryNames {
public:
    TemporaryNames();
    // "<stem>~<hex>"
    [[nodiscard]] std::string next(const std::string& stem);
    [[nodiscard]] std::uint64_t next_number() { return start_ + count_.fetch_add(1, std::memory_order_relaxed); }

private:
    std::uint64_t start_;
    std::atomic<std::uint64_t> count_{0};
};

// What is given by reference outlives the pool and its private images.
struct Environment {
    kernel::FileSystem& files;
    api::StateIds& state_ids;
    const base::Clock& clock;
    spdlog::logger& log;
    kernel::BootId boot_id;
};

struct Context {
    Context(Settings pool_settings, const Environment& environment, base::UniqueFd top_directory);
    ~Context();
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    Settings settings;
    kernel::FileSystem& files;
    api::StateIds& ids;
    const base::Clock& clock;
    BackingLog log;
    kernel::BootId boot;
    base::UniqueFd top;                       // dir_path, held: the pool stays this directory whatever happens to its name
    api::Method method = api::Method::Clone;  // how an image is copied
    TemporaryNames temporaries;
    Reaper reaper;
    LayerlessStates layerless;
    StartedImages started;
    std::unique_ptr<Driver> driver;
    std::mutex intent_mutex;  // one rename at a time: there is one intent file
};

// Opens dir_path, and finds out with a real clone of a file with data whether the directory can share data (Context::method); the probe's files
// are removed. On a full or read-only file system nothing can be tried, and the pool is readable all the same.
// InvalidArgument: dir_path is not absolute. NotFound: it does not exist.
[[nodiscard]] base::Result<std::unique_ptr<Context>> open_context(const Settings& settings, const Environment& environment);

}  // namespace varve::images
