// SPDX-License-Identifier: LGPL-2.1-or-later
// Device-mapper as one process sees it: devices, names, uuids and tables, but no data.
#pragma once

#include "drivers/kernel/device_mapper.h"
#include "tests/fakes/fake_block_devices.h"
#include "tests/fakes/faults.h"

namespace varve::fakes {

// Refuses what the kernel refuses: a name, uuid or device that is taken, missing or in use, a table that does not fit on what it stands on. Takes its faults from
// those of the process (MemoryFileSystem::faults, so that all its calls are numbered together). Thread-safe.
//
// Status that nobody has set: a snapshot has no exceptions, a thin pool is nearly empty, a thin volume has nothing mapped.
class FakeDeviceMapper final : public kernel::DeviceMapper {
public:
    FakeDeviceMapper(FakeBlockDevices& devices, Faults& faults) : devices_(devices), faults_(faults) {}

    [[nodiscard]] base::Result<bool> has_target(const std::string& type) const override;
    [[nodiscard]] base::Result<kernel::DeviceNumber> create(const kernel::DmName& name, const kernel::DmUuid& uuid,
                                                            const kernel::DmTable& table, kernel::DmAccess access,
                                                            kernel::DmPending* later) override;
    [[nodiscard]] base::Result<> load(const kernel::DmName& name, const kernel::DmTable& table, kernel::DmAccess access) override;
    [[nodiscard]] base::Result<> clear(const kernel::DmName& name) override;
    [[nodiscard]] base::Result<> suspend(const kernel::DmName& name, kernel::DmSuspend how) override;
    [[nodiscard]] base::Result<> resume(const kernel::DmName& name) override;
    [[nodiscard]] base::Result<> remove(const kernel::DmName& name, kernel::DmPending* later) override;
    [[nodiscard]] base::Result<> remove_when_unused(const kernel::DmName& name) override;
    [[nodiscard]] base::Result<> keep(const kernel::DmName& name) override;
    [[nodiscard]] base::Result<> rename(const kernel::DmName& from, const kernel::DmName& to) override;
    [[nodiscard]] base::Result<> settle(kernel::DmPending& pending) override;
    [[nodiscard]] base::Result<std::optional<kernel::DmInfo>> find(const kernel::DmName& name) const override;
    [[nodiscard]] base::Result<std::optional<kernel::DmInfo>> find(const kernel::DmUuid& uuid) const override;
    [[nodiscard]] base::Result<std::optional<kernel::DmInfo>> find(kernel::DeviceNumber device) const override;
    [[nodiscard]] base::Result<kernel::DmTable> table(const kernel::DmName& name) const override;
    [[nodiscard]] base::Result<std::vector<kernel::DmTargetStatus>> status(const kernel::DmName& name) const override;
    [[nodiscard]] base::Result<std::vector<kernel::DeviceNumber>> devices_below(const kernel::DmName& name) const override;
    [[nodiscard]] base::Result<std::vector<kernel::DmInfo>> list(std::string_view uuid_prefix) const override;
    [[nodiscard]] base::Result<std::string> message(const kernel::DmName& name, base::SectorCount sector, const std::string& text) override;

private:
    // `body` as one call, unless there is no device-mapper.
    template <class Body>
    auto call(Effect effect, Body body) const -> decltype(body()) {
        return devices_.call(faults_, effect, [&]() -> decltype(body()) {
            TRY(there());
            return body();
        });
    }
    [[nodiscard]] base::Result<> there() const;
    [[nodiscard]] base::Result<FakeDmDevice*> named(const kernel::DmName& name) const;
    [[nodiscard]] base::Result<> check_table(const kernel::DmTable& table) const;
    [[nodiscard]] kernel::DmInfo info_of(const FakeDmDevice& device) const;
    template <class Wanted>
    [[nodiscard]] std::optional<kernel::DmInfo> first(Wanted wanted) const;
    [[nodiscard]] std::string status_of(const FakeDmDevice& device, const kernel::DmTargetKind& kind) const;

    FakeBlockDevices& devices_;
    Faults& faults_;
};

}  // namespace varve::fakes
