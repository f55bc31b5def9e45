// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/guest/power_cut/guest_pool.h"

#include "drivers/kernel/kernel_keyring.h"
#include "drivers/kernel/libdevmapper.h"
#include "drivers/kernel/loop_control.h"
#include "drivers/kernel/posix_block_access.h"
#include "drivers/kernel/posix_filesystem.h"

#include <fcntl.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

#include <cerrno>

namespace varve::power_cut {

using base::fail_errno;
using base::Result;

GuestPool::GuestPool()
    : files_(std::make_unique<kernel::PosixFileSystem>()),
      device_mapper_(std::make_unique<kernel::LibDeviceMapper>()),
      loops_(std::make_unique<kernel::LoopControl>()),
      keyring_(std::make_unique<kernel::KernelKeyring>()),
      blocks_(std::make_unique<kernel::PosixBlockAccess>()),
      log_(std::make_shared<spdlog::logger>("power-cut", std::make_shared<spdlog::sinks::null_sink_mt>())) {}
GuestPool::~GuestPool() = default;

Result<std::unique_ptr<GuestPool>> GuestPool::open(const std::string& driver, std::map<std::string, std::string> parameters) {
    std::unique_ptr<GuestPool> made(new GuestPool);
    const registry::PoolSettings settings{.name = TRY(base::PoolName::parse("pool")),
                                          .driver = driver,
                                          .parameters = std::move(parameters)};
    const auto boot = TRY(kernel::read_boot_id());
    made->pool_ = TRY(registry::open_pool(settings, {*made->files_, *made->device_mapper_, *made->loops_, *made->keyring_, *made->blocks_,
                                                     made->ids_, made->clock_, *made->log_, boot}));
    TRY(made->pool_->recover());
    for (const auto& vm : TRY(made->pool_->list_vms()))
        for (const auto& [volume, view] : TRY(made->pool_->load_vm(vm)).volumes) made->views_.insert_or_assign({vm, volume}, *view);
    return made;
}

Result<> GuestPool::execute(const base::VolumePath& volume, const api::Command& command) {
    const auto known = views_.find(volume);
    auto after = TRY(pool_->execute(volume, known == views_.end() ? nullptr : &known->second, command));
    if (after)
        views_.insert_or_assign(volume, *std::move(after));
    else
        views_.erase(volume);
    return {};
}

Result<base::UniqueFd> GuestPool::open_device(const base::VolumePath& volume, int flags) const {
    const auto path = TRY(pool_->device(volume, views_.at(volume)));
    base::UniqueFd device(::open(path.c_str(), flags | O_CLOEXEC));
    if (!device.valid()) return fail_errno(errno, "cannot open " + path.string());
    return device;
}

}  // namespace varve::power_cut
