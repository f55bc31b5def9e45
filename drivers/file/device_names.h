// SPDX-License-Identifier: LGPL-2.1-or-later
// The one place that names the kernel objects of a pool, and knows them again.
#pragma once

#include "drivers/base/result.h"
#include "drivers/kernel/dm_name.h"
#include "drivers/kernel/loops.h"

#include <optional>
#include <string>
#include <string_view>

namespace varve::file {

// Which file, by device and inode: a COW file that lost its name is still the one that running VMs stand on.
using FileId = kernel::LoopBacking;

// What a device of the pool is. docs/device-stacks.md has the picture.
struct DeviceRole {
    enum class Kind {
        Origin,  // the guest's device of an origin session, which writes to the image
        Middle,  // a state of the image: what the image was when the COW file was new
        Top,     // on a middle device: the guest's device of a snapshot session, or a view of an old revision
    };
    Kind kind = Kind::Middle;
    FileId image;
    FileId cow;                  // of the middle device: the origin's own state from before its start, or what the top stands on
    std::optional<FileId> over;  // the top's own COW file
    friend bool operator==(const DeviceRole&, const DeviceRole&) = default;
};

struct DeviceName {
    kernel::DmName name;
    kernel::DmUuid uuid;
};

// Names are those that Qubes' scripts make (block-snapshot, create-snapshot: `stat -c %D:%i`, the device in hexadecimal and the inode in decimal):
//   origin-<image>   snapshot-<image>-<cow>   snapshot-<image>-<cow>-<cow of the top>
// so a device that those scripts have left is in the way of ours, and never used: the uuid tells whose it is. It also tells what
// the name of an origin does not: whose COW file is its session's.
//   VARVE-<pool uuid>-o-<image>-<cow>   ...-s-<image>-<cow>   ...-t-<image>-<cow>-<cow of the top>   (all numbers hexadecimal)
class DeviceNames {
public:
    explicit DeviceNames(std::string pool_uuid) : pool_uuid_(std::move(pool_uuid)) {}

    // InvalidName when the pool's uuid is too long or no part of a uuid.
    [[nodiscard]] base::Result<DeviceName> of(const DeviceRole& role) const;
    // nullopt for everything that is not this driver's in this pool.
    [[nodiscard]] std::optional<DeviceRole> role_of(std::string_view uuid) const;
    [[nodiscard]] std::string uuid_prefix() const { return kernel::pool_uuid_prefix(pool_uuid_); }

private:
    std::string pool_uuid_;
};

}  // namespace varve::file
