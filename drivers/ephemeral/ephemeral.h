// SPDX-License-Identifier: LGPL-2.1-or-later
// Ephemeral volatile volumes for any driver: what a VM writes to one is on the pool's storage only encrypted, with a random key that the
// kernel alone has and that goes at the stop. (docs/decisions/0010-encryption-around-a-driver.md)
#pragma once

#include "drivers/api/pool.h"
#include "drivers/base/timestamp.h"
#include "drivers/kernel/block_access.h"
#include "drivers/kernel/device_mapper.h"
#include "drivers/kernel/keyring.h"
#include "drivers/kernel/loops.h"

#include <memory>
#include <string>
#include <string_view>

namespace spdlog {
class logger;
}

namespace varve::ephemeral {

// All of it outlives the pool.
struct Kernel {
    kernel::DeviceMapper& mapper;
    kernel::Loops& loops;
    kernel::Keyring& keyring;
    kernel::BlockAccess& blocks;
};

struct Settings {
    base::PoolName name;   // for the log
    std::string identity;  // pool_identity
};

// Sixteen hexadecimal digits that stand for a pool in the names and uuids of its device-mapper devices: of its driver and the place of its
// storage. Those devices do not outlive a boot, and a pool has one owner; so it is enough that the same place gives the same digits in one
// boot. Symbolic links in an absolute path are followed.
[[nodiscard]] std::string pool_identity(std::string_view driver, std::string_view location);

// `pool`, with ephemeral volumes: capabilities().ephemeral says whether the kernel can encrypt, and why_not_ephemeral what to do when it
// cannot. The configuration stays with the wrapped driver. A start of an ephemeral volume also makes a dm-crypt device over what the driver
// gives (plain, aes-xts-plain64, 512 random bits), whose first 64 KiB read as zeroes, and which device() gives; a stop, and a start
// that fails, remove it and its key. A driver that can do it by itself is given back as it is.
//
// Crash safety, besides what api::Pool promises: a session whose device is gone (after a reboot) has lost its content for ever, and is dropped by
// load_vm; it is never dirty. One whose device is there is started, whatever became of the daemon. recover and load_vm remove devices of
// this pool that belong to no session, unless they are open.
[[nodiscard]] std::unique_ptr<api::Pool> with_ephemeral_volumes(std::unique_ptr<api::Pool> pool, const Settings& settings,
                                                                const Kernel& kernel, const base::Clock& clock, spdlog::logger& log);

}  // namespace varve::ephemeral
