// SPDX-License-Identifier: LGPL-2.1-or-later
// One state of a volume in another pool: the same content, size and time.
#pragma once

#include "drivers/base/timestamp.h"
#include "orchestrator/mount_client/copy_image.h"
#include "orchestrator/mount_client/mount.h"
#include "orchestrator/mount_client/reference.h"

#include <optional>

namespace varve::mount_client {

// What tells the states that one name has had from each other.
struct StateStamp {
    base::Bytes size;
    base::Timestamp modified;
    friend bool operator==(const StateStamp&, const StateStamp&) = default;
};

// Nothing when there is no such state.
[[nodiscard]] base::Result<std::optional<StateStamp>> find_stamp(const Mount& mount, const StateReference& state);

// Makes `to`, which does not exist, in one step. What `like`, a state in the pool of `to`, has in common with it is shared with that, where
// the pool can share at all; otherwise only data are written and holes stay holes.
[[nodiscard]] base::Result<> copy_state(const Mount& mount, const StateReference& from, const StateReference& to,
                                        const std::optional<StateReference>& like, const CopyObserver& observer);

// Compares every byte but common holes.
[[nodiscard]] base::Result<bool> same_content(const Mount& mount, const StateReference& one, const StateReference& other,
                                              const CopyObserver& observer);

}  // namespace varve::mount_client
