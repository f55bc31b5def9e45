// SPDX-License-Identifier: LGPL-2.1-or-later
// What a move to another pool has to do, and whether it may.
#pragma once

#include "orchestrator/mount_client/move_names.h"
#include "orchestrator/mount_client/volume_copy.h"

#include <vector>

namespace varve::mount_client {

struct PlannedVolume {
    VolumeCopy copy;
    base::VolumeId target;
    bool arrived = false;  // it is there already, byte by byte
};

struct MovePlan {
    std::vector<PlannedVolume> volumes;
    bool target_vm_exists = false;
};

// Looks at all that is to move, which stands at `at`: under its own name, or under that of what leaves. Errors as move() has them.
[[nodiscard]] base::Result<MovePlan> plan_move(const Mount& mount, const Movable& at, const Movable& to, const CopyObserver& observer);

// Busy when a volume that stays has one of them for its source.
[[nodiscard]] base::Result<> check_no_children(const Mount& mount, const Movable& from, const MovePlan& plan);

// Whether what stands at `at` is what was planned.
[[nodiscard]] base::Result<bool> is_as_planned(const Mount& mount, const Movable& at, const MovePlan& plan);

}  // namespace varve::mount_client
