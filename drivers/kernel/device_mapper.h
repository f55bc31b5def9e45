// SPDX-License-Identifier: LGPL-2.1-or-later
// Everything the block drivers ask of device-mapper, as a port: the real one (libdevmapper.h), and in tests one that keeps the devices in
// memory (tests/fakes/fake_device_mapper.h). Both pass tests/support/device_mapper_contract.cpp.
#pragma once

#include "drivers/base/result.h"
#include "drivers/kernel/device_number.h"
#include "drivers/kernel/dm_name.h"
#include "drivers/kernel/dm_table.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varve::kernel {

enum class DmAccess { ReadWrite, ReadOnly };

// A device as it is now.
struct DmInfo {
    std::string name;  // may be somebody else's, so no DmName
    std::string uuid;  // empty when it has none
    DeviceNumber device;
    bool suspended = false;
    bool read_only = false;
    bool live_table = false;
    bool inactive_table = false;
    bool removed_when_unused = false;
    std::uint32_t open_count = 0;  // by processes, mounts and other devices' tables
    std::uint32_t event_number = 0;
    friend bool operator==(const DmInfo&, const DmInfo&) = default;
};

struct DmTargetStatus {
    base::SectorCount start;
    base::SectorCount length;
    std::string type;
    std::string text;  // for dm_status.h
};

// How a device is suspended.
struct DmSuspend {
    // Freezes a file system that is mounted on it, and writes out what the page cache holds of the device itself: takes as long as that does.
    bool lock_filesystem = true;
    // Waits until what is on its way is written. Without, it is held back and goes to the next table.
    bool flush = true;
};

// Steps whose nodes in /dev/mapper nobody needs until settle(): udev is then waited for once. Belongs to one thread. Every batch must be
// settled, also after a failure (DmBatch does).
struct DmPending {
    std::uint32_t cookie = 0;
};

// Names are those of /dev/mapper. Errors of every call: Unsupported when the kernel has no device-mapper, Denied without the right to use it,
// NotFound when there is no such device, Busy when it or one it needs is in use, InvalidArgument when the kernel refuses a table
// (the kernel's log says why), Corrupt when a snapshot's COW device holds something else.
//
// Nothing here survives a reboot. Devices outlive the process. Thread-safe; two calls for the same device at once are the caller's mistake.
class DeviceMapper {
public:
    virtual ~DeviceMapper() = default;
    DeviceMapper() = default;
    DeviceMapper(const DeviceMapper&) = delete;
    DeviceMapper& operator=(const DeviceMapper&) = delete;

    // Whether the kernel has targets of this type (type_of); it loads their module to know.
    [[nodiscard]] virtual base::Result<bool> has_target(const std::string& type) const = 0;

    // Makes a device with its table, running: all or nothing. Exists when the name or the uuid is taken. When it returns (with `later`: when
    // settle does), node_path is the device. Other devices' tables need no node, only the number that it gives.
    [[nodiscard]] virtual base::Result<DeviceNumber> create(const DmName& name, const DmUuid& uuid, const DmTable& table, DmAccess access,
                                                            DmPending* later = nullptr) = 0;
    // Gives an existing device another table, inactive until resume; replaces an inactive one.
    [[nodiscard]] virtual base::Result<> load(const DmName& name, const DmTable& table, DmAccess access) = 0;
    // Drops the inactive table; success when there is none.
    [[nodiscard]] virtual base::Result<> clear(const DmName& name) = 0;
    // I/O waits until resume. Success when it is suspended already. A device that is suspended, and those above it, must not be read or
    // written by the caller meanwhile, nor may one of its tables be loaded that reads its content: either would wait for itself.
    [[nodiscard]] virtual base::Result<> suspend(const DmName& name, DmSuspend how) = 0;
    // Makes the inactive table, if any, the live one, and lets I/O go on. Success when it runs already.
    [[nodiscard]] virtual base::Result<> resume(const DmName& name) = 0;

    // Busy while it is open or another device's table stands on it.
    [[nodiscard]] virtual base::Result<> remove(const DmName& name, DmPending* later = nullptr) = 0;
    // At once, or by the kernel soon after the last user closes it. Its node stays as long; without udev longer, until the next of that name.
    [[nodiscard]] virtual base::Result<> remove_when_unused(const DmName& name) = 0;
    // Takes remove_when_unused back; success when nobody asked for it. NotFound when the device has gone, Busy while it is going.
    [[nodiscard]] virtual base::Result<> keep(const DmName& name) = 0;
    // Also while it is open. Exists when `to` is taken.
    [[nodiscard]] virtual base::Result<> rename(const DmName& from, const DmName& to) = 0;
    // Waits for what a batch has left to udev, and empties it.
    [[nodiscard]] virtual base::Result<> settle(DmPending& pending) = 0;

    // nullopt when there is none.
    [[nodiscard]] virtual base::Result<std::optional<DmInfo>> find(const DmName& name) const = 0;
    [[nodiscard]] virtual base::Result<std::optional<DmInfo>> find(const DmUuid& uuid) const = 0;
    [[nodiscard]] virtual base::Result<std::optional<DmInfo>> find(DeviceNumber device) const = 0;
    // The live table. NotFound also when there is none.
    [[nodiscard]] virtual base::Result<DmTable> table(const DmName& name) const = 0;
    [[nodiscard]] virtual base::Result<std::vector<DmTargetStatus>> status(const DmName& name) const = 0;
    // The devices that its live table stands on, in no order.
    [[nodiscard]] virtual base::Result<std::vector<DeviceNumber>> devices_below(const DmName& name) const = 0;
    // All devices, or those whose uuid begins so, sorted by name.
    [[nodiscard]] virtual base::Result<std::vector<DmInfo>> list(std::string_view uuid_prefix = {}) const = 0;

    // To the target at that sector (thin_messages.h); gives the answer, usually empty.
    [[nodiscard]] virtual base::Result<std::string> message(const DmName& name, base::SectorCount sector, const std::string& text) = 0;

    [[nodiscard]] static std::filesystem::path node_path(const DmName& name) { return "/dev/mapper/" + name.str(); }
};

}  // namespace varve::kernel
