// SPDX-License-Identifier: LGPL-2.1-or-later
// Single steps with the devices of a pool. Only for the stacks (stacks.h), whose lock their callers hold.
#pragma once

#include "drivers/file/cow_file.h"
#include "drivers/file/device_nodes.h"
#include "drivers/file/pool_devices.h"
#include "drivers/kernel/dm_steps.h"

#include <string>

namespace varve::file {

struct Ports {
    kernel::DeviceMapper& mapper;
    kernel::Loops& loops;
    const DeviceNodes& nodes;
    DeviceNames names;
};

// Exists, with what to do, when a device of somebody else has the name.
[[nodiscard]] base::Result<kernel::DeviceNumber> make_device(Ports& ports, const DeviceName& name, const kernel::DmTable& table,
                                                             kernel::DmAccess access, kernel::DmBatch& batch);

// Sets going what a crash left suspended, with the table that it had. False when there was no table yet, or no device any more: then there
// is none now.
[[nodiscard]] base::Result<bool> make_usable(Ports& ports, const PoolDevice& device);

// Takes back that the device goes with its last user. False when it has gone; waits, up to a second, for one that is just going.
[[nodiscard]] base::Result<bool> keep_if_there(Ports& ports, const kernel::DmName& name);

// Those that nobody uses go at once. Success when there is none.
[[nodiscard]] base::Result<> let_go_with_last_user(Ports& ports, const kernel::DmName& name);

// The one target of a device; Corrupt when it is of another kind.
[[nodiscard]] base::Result<kernel::SnapshotTarget> snapshot_of(Ports& ports, const kernel::DmName& name);
[[nodiscard]] base::Result<kernel::SnapshotOriginTarget> origin_of(Ports& ports, const kernel::DmName& name);

// The loop device below that device, as long as it is over that file; Corrupt when it is not.
[[nodiscard]] base::Result<kernel::HeldLoop> hold_below(Ports& ports, const kernel::DmName& name, kernel::DeviceNumber below, FileId file);

// What a snapshot device says of its COW file.
[[nodiscard]] base::Result<CowUse> use_of_device(Ports& ports, const kernel::DmName& name);

[[nodiscard]] base::SectorCount sectors_of(base::Bytes size);

}  // namespace varve::file
