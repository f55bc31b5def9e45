// SPDX-License-Identifier: LGPL-2.1-or-later
// The port's real version: libdevmapper.
#pragma once

#include "drivers/kernel/device_mapper.h"
#include "drivers/kernel/dm_udev.h"

#include <chrono>
#include <mutex>

namespace varve::kernel {

// One for the process, made by main(): it sets libdevmapper's log function and name mangling, which belong to the process. Making it
// does not touch the kernel; where there is no device-mapper every call is Unsupported.
//
// Locks: libdevmapper keeps lists of nodes to make and a control descriptor without a lock, so one mutex is held over each command of it;
// never while waiting for udev. Suspend, which may write for long, runs beside it: of what is shared it changes only a counter that
// libdevmapper uses for a debug line (dm_task_run in libdm-iface.c, 1.02.185).
//
// udev: when it runs (and DM_DISABLE_UDEV is not set) it makes the nodes, and each call waits for it (UdevWait). Without udev, or when it
// has not answered in time, libdevmapper makes them. It goes on being waited for, because what it still has to do of a device that has gone
// would take away the node of the next one with that name (link_update in systemd's udev-node.c, 252).
class LibDeviceMapper final : public DeviceMapper {
public:
    explicit LibDeviceMapper(std::chrono::milliseconds udev_deadline = std::chrono::seconds(30));

    [[nodiscard]] base::Result<bool> has_target(const std::string& type) const override;
    [[nodiscard]] base::Result<DeviceNumber> create(const DmName& name, const DmUuid& uuid, const DmTable& table, DmAccess access,
                                                    DmPending* later) override;
    [[nodiscard]] base::Result<> load(const DmName& name, const DmTable& table, DmAccess access) override;
    [[nodiscard]] base::Result<> clear(const DmName& name) override;
    [[nodiscard]] base::Result<> suspend(const DmName& name, DmSuspend how) override;
    [[nodiscard]] base::Result<> resume(const DmName& name) override;

    [[nodiscard]] base::Result<> remove(const DmName& name, DmPending* later) override;
    [[nodiscard]] base::Result<> remove_when_unused(const DmName& name) override;
    [[nodiscard]] base::Result<> keep(const DmName& name) override;
    [[nodiscard]] base::Result<> rename(const DmName& from, const DmName& to) override;
    [[nodiscard]] base::Result<> settle(DmPending& pending) override;

    [[nodiscard]] base::Result<std::optional<DmInfo>> find(const DmName& name) const override;
    [[nodiscard]] base::Result<std::optional<DmInfo>> find(const DmUuid& uuid) const override;
    [[nodiscard]] base::Result<std::optional<DmInfo>> find(DeviceNumber device) const override;
    [[nodiscard]] base::Result<DmTable> table(const DmName& name) const override;
    [[nodiscard]] base::Result<std::vector<DmTargetStatus>> status(const DmName& name) const override;
    [[nodiscard]] base::Result<std::vector<DeviceNumber>> devices_below(const DmName& name) const override;
    [[nodiscard]] base::Result<std::vector<DmInfo>> list(std::string_view uuid_prefix) const override;
    [[nodiscard]] base::Result<std::string> message(const DmName& name, base::SectorCount sector, const std::string& text) override;

private:
    using Lock = std::lock_guard<std::mutex>;

    // Each needs the lock.
    [[nodiscard]] base::Result<> open_control(const Lock& lock) const;
    [[nodiscard]] base::Result<DeviceNumber> make(const DmName& name, const DmUuid& uuid, const DmTable& table, DmAccess access,
                                                  DmPending& pending, const Lock& lock);
    [[nodiscard]] base::Failure undo_make(const DmName& name, DmPending& pending, base::Error error, const DmTable& table,
                                          const Lock& lock);
    // Takes the lock itself.
    [[nodiscard]] base::Result<> give_node_back(const DmName& name);
    [[nodiscard]] base::Result<> run_remove(const DmName& name, bool when_unused, DmPending& pending);

    UdevWait udev_;
    mutable std::mutex mutex_;           // over every command of libdevmapper but suspend
    mutable bool control_open_ = false;  // under mutex_
};

}  // namespace varve::kernel
