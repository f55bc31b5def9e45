// SPDX-License-Identifier: LGPL-2.1-or-later
// A volume in another pool with all its states.
#pragma once

#include "orchestrator/mount_client/inventory.h"
#include "orchestrator/mount_client/state_copy.h"

#include <string>
#include <utility>
#include <vector>

namespace varve::mount_client {

// The states of a volume that are its own, oldest first, the committed one last.
using States = std::vector<std::pair<std::optional<base::RevisionId>, StateStamp>>;
[[nodiscard]] base::Result<States> states_of(const Mount& mount, const Volume& volume);

// A volume to copy, and what it is to become.
struct VolumeCopy {
    Volume volume;
    States states;
    std::string source;  // a link, as kinds with a source have one; else empty
    std::string config;  // all that is set of the volume, as its control file says

    // What has to be read.
    [[nodiscard]] base::Bytes size() const;
};

// Whether what an earlier copy_volume has left at `to` is a part of this: then copy_volume goes on with it.
[[nodiscard]] base::Result<bool> is_begun(const Mount& mount, const VolumeCopy& copy, const base::VolumeId& to);

// Makes `to`, in a VM's directory of another pool that is there: kind, source, and every state under its name. It gets no settings (copy_settings) but
// that no schedule removes its states. The progress is that of this volume.
[[nodiscard]] base::Result<> copy_volume(const Mount& mount, const VolumeCopy& copy, const base::VolumeId& to,
                                         const CopyObserver& observer);

// Whether all states are at `to`, by names and sizes.
[[nodiscard]] base::Result<bool> is_complete(const Mount& mount, const VolumeCopy& copy, const base::VolumeId& to);

// Whether `to` is a volume of that kind, source and size that has all these states, byte by byte, whatever their times. It may have more.
[[nodiscard]] base::Result<bool> has_arrived(const Mount& mount, const VolumeCopy& copy, const base::VolumeId& to,
                                             const CopyObserver& observer);

}  // namespace varve::mount_client
