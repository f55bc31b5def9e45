// SPDX-License-Identifier: LGPL-2.1-or-later
// The volumes that disposables are made of: a port, with the mount behind it.
#pragma once

#include "orchestrator/disposables/make.h"

#include <memory>
#include <string>

namespace varve::service {

// Thread-safe.
class Places {
public:
    Places() = default;
    Places(const Places&) = delete;
    Places& operator=(const Places&) = delete;
    virtual ~Places() = default;

    // NotFound for a volume that is not there.
    [[nodiscard]] virtual base::Result<disposables::TemplateVolume> look(const base::VmName& vm, const definitions::VolumeUse& use) = 0;
    // What tells one state of a volume from another: the committed one, or a revision.
    [[nodiscard]] virtual base::Result<std::string> identity(const base::VolumeId& volume,
                                                             const std::optional<base::RevisionId>& revision) = 0;
    // Makes the VM's place in the pool when it is missing. Exists when the volume is there.
    [[nodiscard]] virtual base::Result<> create(const base::VmName& vm, const disposables::DisposableVolume& volume) = 0;
};

// Opens the mount anew for each call, so that it goes on when varvefs has been started again.
[[nodiscard]] std::unique_ptr<Places> make_mount_places(std::string mountpoint);

}  // namespace varve::service
