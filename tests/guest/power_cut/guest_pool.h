// SPDX-License-Identifier: LGPL-2.1-or-later
// A pool of any driver with what it has told, as the daemon opens and keeps one.
#pragma once

#include "drivers/registry.h"

#include <map>
#include <memory>
#include <string>

namespace spdlog {
class logger;
}

namespace varve::power_cut {

using Views = std::map<base::VolumePath, api::VolumeView>;

class GuestPool {
public:
    // Opens the pool, recovers it and loads all its VMs. `parameters` are those of a configuration file.
    [[nodiscard]] static base::Result<std::unique_ptr<GuestPool>> open(const std::string& driver,
                                                                       std::map<std::string, std::string> parameters);
    ~GuestPool();

    [[nodiscard]] api::Pool& pool() { return *pool_; }
    [[nodiscard]] const Views& views() const { return views_; }
    [[nodiscard]] const base::Clock& clock() const { return clock_; }

    // Runs it and keeps what it tells.
    [[nodiscard]] base::Result<> execute(const base::VolumePath& volume, const api::Command& command);
    // Where the VM reads and writes a started volume.
    [[nodiscard]] base::Result<base::UniqueFd> open_device(const base::VolumePath& volume, int flags) const;

private:
    GuestPool();
    std::unique_ptr<kernel::FileSystem> files_;
    std::unique_ptr<kernel::DeviceMapper> device_mapper_;
    std::unique_ptr<kernel::Loops> loops_;
    std::unique_ptr<kernel::Keyring> keyring_;
    std::unique_ptr<kernel::BlockAccess> blocks_;
    api::StateIds ids_;
    base::SystemClock clock_;
    std::shared_ptr<spdlog::logger> log_;
    std::unique_ptr<api::Pool> pool_;
    Views views_;
};

}  // namespace varve::power_cut
