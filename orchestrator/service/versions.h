// SPDX-License-Identifier: LGPL-2.1-or-later
// The states of volumes that templates have and children start from: a port, with the mount behind it.
#pragma once

#include "orchestrator/mount_client/inventory.h"

#include <memory>
#include <string>

namespace varve::service {

// Thread-safe.
class Versions {
public:
    Versions() = default;
    Versions(const Versions&) = delete;
    Versions& operator=(const Versions&) = delete;
    virtual ~Versions() = default;

    [[nodiscard]] virtual base::Result<mount_client::Volume> read(const base::VolumeId& volume) = 0;  // NotFound
    // When the state was written that a running snapshot started from, as Revision::modified; nothing for what does not run.
    [[nodiscard]] virtual base::Result<std::optional<std::string>> base_time(const base::VolumeId& volume) = 0;
    // The revision is the committed state from now on; the one before stays as a revision. Busy while the volume is started.
    [[nodiscard]] virtual base::Result<> revert(const base::VolumeId& volume, const base::RevisionId& revision) = 0;
};

// Opens the mount anew for each call, so that it goes on when varvefs has been started again.
[[nodiscard]] std::unique_ptr<Versions> make_mount_versions(std::string mountpoint);

}  // namespace varve::service
