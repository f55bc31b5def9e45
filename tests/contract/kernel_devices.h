// SPDX-License-Identifier: LGPL-2.1-or-later
// What a pool under test has of the kernel's block devices, and how all of it goes.
#pragma once

#include "drivers/ephemeral/ephemeral.h"
#include "drivers/kernel/kernel_keyring.h"
#include "drivers/kernel/libdevmapper.h"
#include "drivers/kernel/loop_control.h"
#include "drivers/kernel/posix_block_access.h"

#include <filesystem>
#include <set>
#include <string>

namespace spdlog {
class logger;
}

namespace varve::contract {

class KernelDevices {
public:
    // `pool` with ephemeral volumes, as the registry opens one.
    [[nodiscard]] std::unique_ptr<api::Pool> with_ephemeral_volumes(std::unique_ptr<api::Pool> pool, std::string_view driver,
                                                                    const base::Clock& clock, spdlog::logger& log);
    // As a reboot does: removes the device-mapper devices of the pools that were opened here, and loop devices over files below the directory.
    void remove_all(const std::filesystem::path& directory);

    [[nodiscard]] kernel::DeviceMapper& mapper() { return mapper_; }
    [[nodiscard]] kernel::Loops& loops() { return loops_; }

private:
    // Each true when there was nothing left.
    [[nodiscard]] bool remove_devices();
    [[nodiscard]] bool remove_loops(const std::set<kernel::LoopBacking>& files);
    kernel::LibDeviceMapper mapper_;
    kernel::LoopControl loops_;
    kernel::KernelKeyring keyring_;
    kernel::PosixBlockAccess blocks_;
    std::string identity_;
};

}  // namespace varve::contract
