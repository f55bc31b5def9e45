// SPDX-License-Identifier: LGPL-2.1-or-later
// Copies of a domain's disks on their way to be the volumes of one VM: all of them, or none.
#pragma once

#include "orchestrator/domain_adoption/open_disk.h"
#include "orchestrator/mount_client/copy_image.h"
#include "orchestrator/mount_client/mount.h"

#include <memory>

namespace varve::domain_adoption {

// While it works nothing has a volume's name; a process that is killed leaves nothing but an empty directory and scratch files, which the next begin() for
// the VM takes away. Whatever is not kept goes with it.
class Copies {
public:
    // The VM's place in the pool is made, or there without volumes. Exists: it has some. Busy: another one is at work there. `mount` outlives this.
    [[nodiscard]] static base::Result<Copies> begin(const mount_client::Mount& mount, const base::PoolName& pool, const base::VmName& vm);

    Copies(Copies&& other) noexcept;
    Copies& operator=(Copies&&) = delete;
    Copies(const Copies&) = delete;
    Copies& operator=(const Copies&) = delete;
    ~Copies();

    // Complete, but without its name. Interrupted when the observer says so.
    [[nodiscard]] base::Result<> copy(const OpenDisk& disk, const DiskCopy& what, const mount_client::CopyObserver& observer);
    // Gives all copies their names. A failure takes them from those that have theirs.
    [[nodiscard]] base::Result<> install();
    // They stay.
    void keep();

private:
    struct State;
    explicit Copies(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;  // nullptr: moved from, or kept
};

}  // namespace varve::domain_adoption
