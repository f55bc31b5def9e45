// SPDX-License-Identifier: LGPL-2.1-or-later
// The same operations through the driver file-reflink, as the engine asks for them.
#pragma once

#include "drivers/api/pool.h"
#include "drivers/base/timestamp.h"
#include "drivers/kernel/posix_filesystem.h"
#include "tests/benchmarks/steps.h"

#include <spdlog/logger.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace varve::benchmarks {

class PoolVolume {
public:
    // Makes `directory` a pool with a volume that shares the data of `content`, and so many revisions of it.
    [[nodiscard]] static base::Result<std::unique_ptr<PoolVolume>> make(const std::filesystem::path& directory, int content,
                                                                        std::size_t revisions);

    [[nodiscard]] Steps start_ready();    // with a precache
    [[nodiscard]] Steps start_cloning();  // without
    [[nodiscard]] Steps stop();           // with commit
    [[nodiscard]] Steps revert();
    [[nodiscard]] Steps clone();     // what a transaction begins with
    [[nodiscard]] Steps snapshot();  // under a label

private:
    explicit PoolVolume(std::filesystem::path directory);
    [[nodiscard]] base::Result<> open_pool();
    [[nodiscard]] base::Result<> make_volume(int content);
    [[nodiscard]] base::Result<> add_revision(int content, std::int64_t seconds);
    [[nodiscard]] base::Result<> execute(const api::Command& command);
    [[nodiscard]] base::Result<> make_ready();
    [[nodiscard]] base::Result<> stop_unwritten();
    [[nodiscard]] base::Result<> write_device();
    [[nodiscard]] base::Result<> remove_newest_revision();
    [[nodiscard]] static api::Retention keep_all();
    [[nodiscard]] std::filesystem::path precache() const { return directory_ / "appvms/work/root-precache.img"; }

    std::filesystem::path directory_;
    kernel::PosixFileSystem files_;
    api::StateIds ids_;
    base::SystemClock clock_;
    spdlog::logger log_;
    std::unique_ptr<api::Pool> pool_;
    base::VolumePath path_;
    std::optional<api::VolumeView> view_;
    std::vector<api::PrivateImage> clones_;
};

}  // namespace varve::benchmarks
