// SPDX-License-Identifier: LGPL-2.1-or-later
// What all parts of one open pool share.
#pragma once

#include "drivers/api/capabilities.h"
#include "drivers/file_reflink/backing_log.h"
#include "drivers/file_reflink/file_reflink.h"
#include "drivers/file_reflink/layerless.h"
#include "drivers/file_reflink/reaper.h"
#include "drivers/file_reflink/started_images.h"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

namespace varve::file_reflink {

// Names that nobody else uses: a random start for this pool object, and a count. Thread-safe.
class TemporaryNames {
public:
    TemporaryNames();
    // "<stem>~<hex>"
    [[nodiscard]] std::string next(const std::string& stem);

private:
    std::uint64_t start_;
    std::atomic<std::uint64_t> count_{0};
};

struct Context {
    Context(const Settings& pool_settings, kernel::FileSystem& file_system, api::StateIds& state_ids, const base::Clock& pool_clock,
            spdlog::logger& logger, kernel::BootId boot_id, base::UniqueFd top_directory)
        : settings(pool_settings),
          files(file_system),
          ids(state_ids),
          clock(pool_clock),
          log(logger),
          boot(std::move(boot_id)),
          top(std::move(top_directory)) {}

    Settings settings;
    kernel::FileSystem& files;
    api::StateIds& ids;
    const base::Clock& clock;
    BackingLog log;
    kernel::BootId boot;
    base::UniqueFd top;  // dir_path, held: the pool stays this directory whatever happens to its name
    api::Method method = api::Method::Clone;
    TemporaryNames temporaries;
    Reaper reaper;
    LayerlessStates layerless;
    StartedImages started;
    std::mutex intent_mutex;  // one rename at a time: there is one intent file
};

}  // namespace varve::file_reflink
