// SPDX-License-Identifier: LGPL-2.1-or-later
// Whose a session's device is below the mount. A VM's owner may write his volumes, so a hypervisor that runs as he does may open their devices: they are his
// while the session lasts, and root's again before what was written becomes a state. Whoever still has one open for writing then keeps the session from
// ending (api::Pool). docs/decisions/0020-devices-belong-to-the-owner.md
#pragma once

#include "drivers/api/view.h"
#include "drivers/base/result.h"

#include <sys/types.h>

#include <filesystem>

namespace varve::engine {

struct DeviceHolder {
    uid_t uid = 0;
    gid_t gid = 0;
    mode_t mode = 0600;  // permission bits
};

// Of images and block devices.
[[nodiscard]] base::Result<DeviceHolder> holder_of(const std::filesystem::path& device);
// Does nothing for root, nor for an owner who may not write in his VM's directory.
[[nodiscard]] base::Result<> hand_over(const std::filesystem::path& device, const api::Ownership& owner);
// From whomever has it, which may be the account that libvirt gave it to for its QEMU. The holder until now.
[[nodiscard]] base::Result<DeviceHolder> take_back(const std::filesystem::path& device);
[[nodiscard]] base::Result<> give_again(const std::filesystem::path& device, const DeviceHolder& holder);

}  // namespace varve::engine
