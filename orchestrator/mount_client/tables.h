// SPDX-License-Identifier: LGPL-2.1-or-later
// All volumes of a pool at once, from the pool's own files: for thousands of volumes a second where asking for each takes a minute.
#pragma once

#include "orchestrator/mount_client/inventory.h"

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

namespace varve::mount_client {

// A table, or nothing where this user gets none (it is for the pool's owner) or varvefs is older than tables: then each volume is to be asked for.
// Corrupt for lines that are not in the form of docs/control-tree.md.
template <class Table>
using TableOf = base::Result<std::optional<Table>>;

struct VolumeRow {
    Volume volume;  // without its revisions, but with their number
    VolumeConfiguration configuration;
};
// By VM and name.
[[nodiscard]] TableOf<std::vector<VolumeRow>> volumes_table(const Mount& mount, const base::PoolName& pool);

using RevisionsOfVolumes = std::map<base::VolumeId, std::vector<Revision>>;  // oldest first; without volumes that have none
[[nodiscard]] TableOf<RevisionsOfVolumes> revisions_table(const Mount& mount, const base::PoolName& pool);

struct UsageOfVolumes {
    std::vector<VolumeUsage> volumes;   // by VM and name
    std::vector<base::Error> failures;  // of volumes that are left out
};
[[nodiscard]] TableOf<UsageOfVolumes> usage_table(const Mount& mount, const base::PoolName& pool);

}  // namespace varve::mount_client
