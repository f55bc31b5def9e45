// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/contract/kernel_devices.h"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <set>

namespace varve::contract {

std::unique_ptr<api::Pool> KernelDevices::with_ephemeral_volumes(std::unique_ptr<api::Pool> pool, std::string_view driver,
                                                                 const base::Clock& clock, spdlog::logger& log) {
    identity_ = ephemeral::pool_identity(driver, pool->lock_directory().value_or("").string());
    return ephemeral::with_ephemeral_volumes(std::move(pool), {base::PoolName::parse("pool").value(), identity_},
                                             {mapper_, loops_, keyring_, blocks_}, clock, log);
}

void KernelDevices::remove_all(const std::filesystem::path& directory) {
    const auto devices = mapper_.list(kernel::pool_uuid_prefix(identity_));
    if (!devices) return;  // without device-mapper there are none, and no loop devices for them
    for (const auto& device : *devices) {
        const auto removed = mapper_.remove(kernel::DmName::parse(device.name).value(), nullptr);
        EXPECT_TRUE(removed) << removed.error().message();
        (void)keyring_.remove("varve:" + device.uuid);  // it would be gone
    }
    std::set<kernel::LoopBacking> files;
    std::error_code failed;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory, failed)) {
        struct stat status {};
        if (::stat(entry.path().c_str(), &status) == 0) files.insert({status.st_dev, status.st_ino});
    }
    const auto loops = loops_.list();
    ASSERT_TRUE(loops) << loops.error().message();
    for (const auto& loop : *loops)
        if (files.contains(loop.backing)) {
            EXPECT_TRUE(loops_.detach(loop));
        }
}

}  // namespace varve::contract
