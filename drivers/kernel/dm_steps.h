// SPDX-License-Identifier: LGPL-2.1-or-later
// What drivers do with a DeviceMapper in one go, and the owners of what is half done.
#pragma once

#include "drivers/kernel/device_mapper.h"
#include "drivers/kernel/dm_status.h"

#include <utility>

namespace varve::kernel {

// Owns a device that was just made, until release(): a step that fails later takes it away again.
class DmDeviceGuard {
public:
    DmDeviceGuard(DeviceMapper& mapper, DmName name) : mapper_(&mapper), name_(std::move(name)) {}
    ~DmDeviceGuard();
    DmDeviceGuard(DmDeviceGuard&& other) noexcept : mapper_(std::exchange(other.mapper_, nullptr)), name_(std::move(other.name_)) {}
    DmDeviceGuard& operator=(DmDeviceGuard&&) = delete;
    DmDeviceGuard(const DmDeviceGuard&) = delete;
    DmDeviceGuard& operator=(const DmDeviceGuard&) = delete;

    [[nodiscard]] const DmName& name() const { return name_; }
    void release() { mapper_ = nullptr; }

private:
    DeviceMapper* mapper_;  // nullptr: released
    DmName name_;
};

// Steps that udev is waited for once. Declared before the guards of its devices, so that it goes after them.
class DmBatch {
public:
    explicit DmBatch(DeviceMapper& mapper) : mapper_(mapper) {}
    ~DmBatch() { (void)settle(); }  // nobody is told: whoever needs the nodes has settled before
    DmBatch(const DmBatch&) = delete;
    DmBatch& operator=(const DmBatch&) = delete;

    [[nodiscard]] DmPending* pending() { return &pending_; }
    [[nodiscard]] base::Result<> settle() { return mapper_.settle(pending_); }

private:
    DeviceMapper& mapper_;
    DmPending pending_;
};

// Load, suspend, resume: the device has the new table, or when this fails the old one, and runs. Io with the reason when not even that
// could be done.
[[nodiscard]] base::Result<> switch_table(DeviceMapper& mapper, const DmName& name, const DmTable& table, DmAccess access, DmSuspend how);

// Removes the device if it is there.
[[nodiscard]] base::Result<> remove_if_there(DeviceMapper& mapper, const DmName& name);

// The status of a device with one target of this kind; InvalidArgument when it is another.
[[nodiscard]] base::Result<SnapshotStatus> snapshot_status(const DeviceMapper& mapper, const DmName& name);
[[nodiscard]] base::Result<ThinPoolStatus> thin_pool_status(const DeviceMapper& mapper, const DmName& name);
[[nodiscard]] base::Result<ThinStatus> thin_status(const DeviceMapper& mapper, const DmName& name);

}  // namespace varve::kernel
