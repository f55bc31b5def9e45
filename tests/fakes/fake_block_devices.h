// SPDX-License-Identifier: LGPL-2.1-or-later
// What a kernel has of loop and device-mapper devices: outlives the processes that use it (FakeDeviceMapper, FakeLoops), not a reboot.
#pragma once

#include "drivers/base/unique_fd.h"
#include "drivers/kernel/device_mapper.h"
#include "drivers/kernel/loops.h"
#include "tests/fakes/faults.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace varve::fakes {

struct FakeDmDevice {
    std::string name;
    std::string uuid;
    kernel::DeviceNumber number;
    std::optional<kernel::DmTable> live;
    std::optional<kernel::DmTable> inactive;
    kernel::DmAccess access = kernel::DmAccess::ReadWrite;
    kernel::DmAccess inactive_access = kernel::DmAccess::ReadWrite;
    bool suspended = false;
    bool removed_when_unused = false;
    std::uint32_t opens = 0;            // by processes
    std::optional<std::string> status;  // instead of what a device says that nobody has written to
    std::set<std::uint32_t> thins;      // of a thin pool
    bool metadata_reserved = false;     // a thin pool's; nothing of it is in its status
};

struct FakeLoopDevice {
    kernel::LoopDevice loop;
    base::UniqueFd file;
    base::SectorCount size;
    std::uint32_t opens = 0;  // by processes, those that hold it included
    std::uint64_t serial = 0;
};

// Thread-safe.
class FakeBlockDevices {
public:
    // ---- for tests: what others do
    // A disk that nobody can take away.
    [[nodiscard]] kernel::DeviceNumber add_disk(base::SectorCount size);
    // As a VM or a mount does; whoever opens must close. By number, of a loop or device-mapper device.
    void open(kernel::DeviceNumber device);
    void close(kernel::DeviceNumber device);
    // What the only target of that device says of itself from now on, as a full or broken one does.
    void set_status(const std::string& name, std::string text);
    // What the kernel does not refuse but its documentation forbids (snapshot.rst: a snapshot is loaded and unloaded only while its
    // snapshot-origin is suspended), in the order in which it was done.
    [[nodiscard]] std::vector<std::string> forbidden() const;
    // The kernel starts again: nothing is left but the disks.
    void reboot();
    // False: every call is Unsupported.
    void set_device_mapper_there(bool there);
    // A kernel without targets of that type, until they are there again.
    void set_target_there(const std::string& type, bool there);
    // Calls `moment` before and after the effect of every call, on its thread and without the lock (as MemoryFileSystem::watch does).
    void watch(std::function<void(Effect)> moment) { moment_ = std::move(moment); }

    // ---- for the fakes of the ports
    // One call of a port: `body` runs under the lock unless a fault stops it.
    template <class Body>
    auto call(Faults& faults, Effect effect, Body body) -> decltype(body()) {
        if (moment_) moment_(effect);
        auto result = [&]() -> decltype(body()) {
            const std::lock_guard lock(mutex_);
            TRY(faults.enter(effect));
            auto done = body();
            TRY(faults.leave());
            return done;
        }();
        if (moment_) moment_(effect);
        return result;
    }

    // What follows belongs into the body of a call.
    [[nodiscard]] std::map<std::string, FakeDmDevice>& mapped() { return mapped_; }
    [[nodiscard]] std::map<unsigned, FakeLoopDevice>& loops() { return loops_; }
    [[nodiscard]] bool device_mapper_there() const { return device_mapper_there_; }
    [[nodiscard]] bool has_target(const std::string& type) const;
    [[nodiscard]] kernel::DeviceNumber next_mapped();
    // nullopt when there is no such device.
    [[nodiscard]] std::optional<base::SectorCount> size_of(kernel::DeviceNumber device) const;
    // Device-mapper devices with a table, live or inactive, that stands on it.
    [[nodiscard]] std::uint32_t users_of(kernel::DeviceNumber device) const;
    // Removes those that were to go with their last user, and what that leaves unused.
    void sweep();
    // Before a table is loaded or goes.
    void note_order(const kernel::DmTable& table);
    // Opens the loop device until what it gives is gone.
    [[nodiscard]] std::shared_ptr<const void> hold(FakeLoopDevice& loop);
    [[nodiscard]] std::uint64_t next_serial() { return next_serial_++; }

private:
    void let_go(unsigned number, std::uint64_t serial);

    std::function<void(Effect)> moment_;
    mutable std::mutex mutex_;  // over everything below
    std::vector<std::string> forbidden_;
    std::uint64_t next_serial_ = 1;
    std::map<kernel::DeviceNumber, base::SectorCount> disks_;
    std::map<std::string, FakeDmDevice> mapped_;
    std::map<unsigned, FakeLoopDevice> loops_;
    unsigned next_minor_ = 0;
    bool device_mapper_there_ = true;
    std::set<std::string> targets_{"crypt",           "error", "linear",    "snapshot", "snapshot-merge",
                                   "snapshot-origin", "thin",  "thin-pool", "zero"};
};

}  // namespace varve::fakes
