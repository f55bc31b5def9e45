// SPDX-License-Identifier: LGPL-2.1-or-later
// What each command does to a stored volume.
#pragma once

#include "drivers/api/command.h"
#include "drivers/sim/disk.h"

namespace varve::sim {

// What the commands of one pool need beside the volume. The disk's lock is held.
struct Workshop {
    Disk& disk;
    api::StateIds& ids;
    base::Timestamp now;
    const kernel::BootId& boot;
    api::RevisionsToKeep pool_default;
    std::optional<base::Bytes> size;

    // NoSpace when the contents together allocate more than the pool's size.
    [[nodiscard]] base::Result<> check_space() const;
};

// Runs a command that the rules have let pass. Changes `volume` (nullopt: it does not exist, before or afterwards) only on success.
[[nodiscard]] base::Result<> run(const Workshop& workshop, const base::VolumePath& path, std::optional<StoredVolume>& volume,
                                 const api::Command& command);

}  // namespace varve::sim
