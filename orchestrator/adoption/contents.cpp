// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/adoption/contents.h"

#include "orchestrator/mount_client/tables.h"

namespace varve::adoption {
namespace {

using base::Errc;
using base::Result;

PresentVolume present(mount_client::VolumeConfiguration found) {
    return {std::move(found.kind),
            std::move(found.source),
            std::move(found.state),
            found.size,
            found.revisions_to_keep,
            found.own_revisions_to_keep,
            found.rw,
            found.ephemeral};
}

}  // namespace

Result<PoolContents> read_contents(const mount_client::Mount& mount, const base::PoolName& pool) {
    PoolContents contents;
    const auto vms = TRY(mount_client::vms(mount, pool));
    if (const auto table = TRY(mount_client::volumes_table(mount, pool))) {
        contents.vms.insert(vms.begin(), vms.end());
        for (const auto& row : *table) contents.volumes.emplace(row.volume.id.path(), present(row.configuration));
        return contents;
    }
    for (const auto& vm : vms) {
        const auto volumes = mount_client::volumes(mount, {pool, vm});
        if (!volumes && volumes.error().code == Errc::NotFound) continue;
        if (!volumes) return base::Failure(volumes.error());
        contents.vms.insert(vm);
        for (const auto& volume : *volumes) {
            auto found = mount_client::read_configuration(mount, {pool, vm, volume});
            if (!found && found.error().code != Errc::NotFound) return base::Failure(std::move(found).error());
            if (found) contents.volumes.emplace(base::VolumePath{vm, volume}, present(*std::move(found)));
        }
    }
    return contents;
}

}  // namespace varve::adoption
