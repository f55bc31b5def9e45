// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/contract/kernel_devices.h"
#include "tests/support/waiting.h"

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

bool KernelDevices::remove_devices() {
    const auto left = mapper_.list(kernel::pool_uuid_prefix(identity_));
    if (!left) return true;  // without device-mapper there are none
    for (const auto& device : *left) {
        const auto removed = mapper_.remove(kernel::DmName::parse(device.name).value(), nullptr);  // Busy: others stand on it
        if (removed) (void)keyring_.remove("varve:" + device.uuid);                                // it would be gone
    }
    return left->empty();
}

bool KernelDevices::remove_loops(const std::set<kernel::LoopBacking>& files) {
    const auto loops = loops_.list();
    if (!loops) return true;  // nor are there loop devices
    bool none = true;
    for (const auto& loop : *loops) {
        if (!files.contains(loop.backing)) continue;
        none = false;
        if (!loop.autoclear) (void)loops_.detach(loop);  // the next look tells; others go with their last user
    }
    return none;
}

void KernelDevices::remove_all(const std::filesystem::path& directory) {
    std::set<kernel::LoopBacking> files;
    std::error_code failed;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory, failed)) {
        struct stat status {};
        if (::stat(entry.path().c_str(), &status) == 0) files.insert({status.st_dev, status.st_ino});
    }
    // The kernel takes away what has lost its last user a moment later.
    ASSERT_TRUE(test_support::eventually([&] { return remove_devices() && remove_loops(files); }))
        << "some devices of " << directory << " are in use";
}

}  // namespace varve::contract
