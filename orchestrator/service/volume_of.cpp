// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/service/volume_of.h"

#include <algorithm>

namespace varve::service {

base::Result<base::VolumeId> volume_of(const definitions::VmDefinition& vm, const base::VolumeName& volume) {
    const auto found = std::ranges::find(vm.volumes, volume, &definitions::VolumeUse::volume);
    if (found != vm.volumes.end()) return base::VolumeId{found->pool, vm.name, volume};
    return base::fail(base::Errc::NotFound, "'" + vm.name.str() + "' has no volume '" + volume.str() + "'");
}

}  // namespace varve::service
