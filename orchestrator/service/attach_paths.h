// SPDX-License-Identifier: LGPL-2.1-or-later
// What of the mount may be plugged in by those who have no right to the host's files: states of VMs, named plainly.
#pragma once

#include "drivers/base/names.h"
#include "drivers/base/result.h"

#include <filesystem>
#include <utility>

namespace varve::service {

// Immutable.
class AttachPaths {
public:
    // Absolute.
    explicit AttachPaths(std::filesystem::path mountpoint) : mountpoint_(std::move(mountpoint)) {}

    // Whose state the path is by its name alone: nothing is looked at. Denied for all but <mountpoint>/pools/POOL/VM/VOLUME.img[@REVISION] and
    // <mountpoint>/vms/VM/VOLUME.img[@REVISION] without '.', '..' and empty parts.
    [[nodiscard]] base::Result<base::VmName> owner_of(const std::filesystem::path& path) const;

    // Where the path ends when its links are followed: a snapshot volume is a link to another VM's state, `vms` is full of them. No link is left in
    // the result, so that one which is changed later counts no more. NotFound; Denied when that is no state of a VM.
    [[nodiscard]] base::Result<std::filesystem::path> follow(const std::filesystem::path& path) const;

private:
    std::filesystem::path mountpoint_;
};

}  // namespace varve::service
