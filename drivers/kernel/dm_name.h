// SPDX-License-Identifier: LGPL-2.1-or-later
// Names and uuids of device-mapper devices, as types that exist only when device-mapper, libdevmapper and udev take them as they are.
#pragma once

#include "drivers/base/names.h"
#include "drivers/base/result.h"

#include <string>
#include <string_view>

namespace varve::kernel {

// The characters that libdevmapper and udev leave alone: letters, digits and "#+-.:=@_" (the kernel itself refuses only '/'). With
// others libdevmapper would make names that differ from those asked for ("mangling"), so they are refused.
struct DmNameRules {
    static base::Result<> check(std::string_view text);
};
struct DmUuidRules {
    static base::Result<> check(std::string_view text);
};

// 1 to 127 bytes (DM_NAME_LEN in linux/dm-ioctl.h, with its NUL); not ".", ".." or "control", which /dev/mapper has already.
using DmName = base::Name<DmNameRules>;
// 1 to 128 bytes (DM_UUID_LEN with its NUL). No two devices have the same.
using DmUuid = base::Name<DmUuidRules>;

// What every device of a pool has before its own part: by it a pool finds its devices, and only its own.
[[nodiscard]] std::string pool_uuid_prefix(std::string_view pool_uuid);  // "VARVE-<pool uuid>-"
[[nodiscard]] base::Result<DmUuid> uuid_in_pool(std::string_view pool_uuid, std::string_view own_part);

}  // namespace varve::kernel
