// SPDX-License-Identifier: LGPL-2.1-or-later
// One VM's place in one pool, as readers see it.
#pragma once

#include "drivers/api/view.h"
#include "drivers/base/names.h"
#include "fs/engine/open_writes.h"

#include <memory>
#include <mutex>
#include <optional>

namespace varve::engine {

class OpenPool;

using VmView = std::shared_ptr<const api::VmView>;
using VolumeView = std::shared_ptr<const api::VolumeView>;

// Keeps its identity when it is renamed. Thread-safe: readers get immutable views, and only the holder of the volume's lock sets new ones.
class Vm {
public:
    Vm(std::shared_ptr<OpenPool> pool, base::VmName name, api::VmView view);

    // Alive as long as the VM is; a pool that was removed finds its VMs no more.
    [[nodiscard]] OpenPool& pool() const { return *pool_; }
    [[nodiscard]] base::VmName name() const;
    [[nodiscard]] VmView view() const;
    // nullptr when there is no such volume.
    [[nodiscard]] VolumeView volume(const base::VolumeName& volume) const;

    void set_name(base::VmName name);
    void set_ownership(const api::Ownership& ownership);
    // nullptr removes the volume. Returns what it replaces.
    VolumeView set_volume(const base::VolumeName& volume, VolumeView view);

    // Open transactions and scratch files.
    [[nodiscard]] OpenWrites& writes() { return writes_; }

private:
    const std::shared_ptr<OpenPool> pool_;
    mutable std::mutex mutex_;
    base::VmName name_;
    VmView view_;
    OpenWrites writes_;
};

using VmPtr = std::shared_ptr<Vm>;

}  // namespace varve::engine
