// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/fakes/fake_device_mapper.h"

#include "drivers/kernel/dm_words.h"

#include <bit>
#include <utility>

namespace varve::fakes {

using base::Errc;
using base::fail;
using base::Result;
using kernel::DmName;

namespace {

base::Failure nobody(const DmName& name) { return fail(Errc::NotFound, "there is no device '" + name.str() + "'"); }

base::Failure in_use(const DmName& name) { return fail(Errc::Busy, "the device '" + name.str() + "' is in use"); }

base::Failure refused(const std::string& why) { return fail(Errc::InvalidArgument, "the kernel refuses the table: " + why); }

Result<std::uint32_t> thin_id(kernel::DmWords& words) {
    const auto id = TRY(words.number());
    if (id >= (std::uint64_t{1} << 24)) return fail(Errc::InvalidArgument, "a thin id has 24 bits");
    return static_cast<std::uint32_t>(id);
}

// Messages of thin-provisioning.rst; those that change no thin volume are taken as they are.
Result<> send_to_pool(FakeDmDevice& pool, const std::string& text) {
    kernel::DmWords words("a message", text);
    const auto verb = TRY(words.word());
    if (verb == "create_thin" || verb == "create_snap") {
        const auto id = TRY(thin_id(words));
        if (verb == "create_snap" && !pool.thins.contains(TRY(thin_id(words)))) return fail(Errc::Io, "there is no such thin volume");
        if (!pool.thins.insert(id).second) return fail(Errc::Exists, "the thin volume exists");
        return {};
    }
    if (verb == "reserve_metadata_snap") {
        if (std::exchange(pool.metadata_reserved, true)) return fail(Errc::Busy, "the metadata is reserved");
        return {};
    }
    if (verb == "release_metadata_snap") {
        if (!std::exchange(pool.metadata_reserved, false)) return fail(Errc::InvalidArgument, "the metadata is not reserved");
        return {};
    }
    if (verb != "delete") return {};
    if (pool.thins.erase(TRY(thin_id(words))) == 0) return fail(Errc::Io, "there is no such thin volume");
    return {};
}

}  // namespace

Result<> FakeDeviceMapper::there() const {
    if (!devices_.device_mapper_there()) return fail(Errc::Unsupported, "the kernel has no device-mapper; load dm-mod");
    return {};
}

Result<FakeDmDevice*> FakeDeviceMapper::named(const DmName& name) const {
    const auto found = devices_.mapped().find(name.str());
    if (found == devices_.mapped().end()) return nobody(name);
    return &found->second;
}

Result<> FakeDeviceMapper::check_table(const kernel::DmTable& table) const {
    for (const auto device : table.devices())
        if (!devices_.size_of(device)) return fail(Errc::NotFound, "there is no device " + device.str());
    for (const auto& target : table.targets()) {
        if (const auto* const linear = std::get_if<kernel::LinearTarget>(&target.kind);
            linear != nullptr && linear->offset + target.length > *devices_.size_of(linear->device))
            return refused("a linear target goes beyond its device");
        if (const auto* const snapshot = std::get_if<kernel::SnapshotTarget>(&target.kind); snapshot != nullptr) {
            if (!std::has_single_bit(snapshot->chunk.count)) return refused("the chunk size is not a power of two");
            if (target.length > *devices_.size_of(snapshot->origin)) return refused("a snapshot is larger than its origin");
        }
        if (const auto* const origin = std::get_if<kernel::SnapshotOriginTarget>(&target.kind);
            origin != nullptr && target.length > *devices_.size_of(origin->origin))
            return refused("a snapshot-origin is larger than its device");
    }
    return {};
}

kernel::DmInfo FakeDeviceMapper::info_of(const FakeDmDevice& device) const {
    return {.name = device.name,
            .uuid = device.uuid,
            .device = device.number,
            .suspended = device.suspended,
            .read_only = device.access == kernel::DmAccess::ReadOnly,
            .live_table = device.live.has_value(),
            .inactive_table = device.inactive.has_value(),
            .removed_when_unused = device.removed_when_unused,
            .open_count = device.opens + devices_.users_of(device.number)};
}

template <class Wanted>
std::optional<kernel::DmInfo> FakeDeviceMapper::first(Wanted wanted) const {
    for (const auto& [name, device] : devices_.mapped())
        if (wanted(device)) return info_of(device);
    return std::nullopt;
}

Result<bool> FakeDeviceMapper::has_target(const std::string& type) const {
    const auto name = TRY(DmName::parse(type));
    return call(Effect::Reads, [&]() -> Result<bool> { return devices_.has_target(name.str()); });
}

Result<kernel::DeviceNumber> FakeDeviceMapper::create(const DmName& name, const kernel::DmUuid& uuid, const kernel::DmTable& table,
                                                      kernel::DmAccess access, kernel::DmPending* /*later*/) {
    return call(Effect::Changes, [&]() -> Result<kernel::DeviceNumber> {
        if (first([&](const auto& device) { return device.name == name.str() || device.uuid == uuid.str(); }))
            return fail(Errc::Exists, "a device has the name '" + name.str() + "' or the uuid '" + uuid.str() + "'");
        TRY(check_table(table));
        devices_.note_order(table);
        FakeDmDevice device;
        device.name = name.str();
        device.uuid = uuid.str();
        device.number = devices_.next_mapped();
        device.live = table;
        device.access = access;
        const auto number = device.number;
        devices_.mapped().emplace(name.str(), std::move(device));
        return number;
    });
}

Result<> FakeDeviceMapper::load(const DmName& name, const kernel::DmTable& table, kernel::DmAccess access) {
    return call(Effect::Changes, [&]() -> Result<> {
        auto* const device = TRY(named(name));
        TRY(check_table(table));
        devices_.note_order(table);
        device->inactive = table;
        device->inactive_access = access;
        return {};
    });
}

Result<> FakeDeviceMapper::clear(const DmName& name) {
    return call(Effect::Changes, [&]() -> Result<> {
        TRY(named(name))->inactive.reset();
        devices_.sweep();
        return {};
    });
}

Result<> FakeDeviceMapper::suspend(const DmName& name, kernel::DmSuspend /*how*/) {
    return call(Effect::Changes, [&]() -> Result<> {
        TRY(named(name))->suspended = true;
        return {};
    });
}

Result<> FakeDeviceMapper::resume(const DmName& name) {
    return call(Effect::Changes, [&]() -> Result<> {
        auto* const device = TRY(named(name));
        if (device->inactive) {
            device->live = std::exchange(device->inactive, std::nullopt);
            device->access = device->inactive_access;
        }
        device->suspended = false;
        devices_.sweep();
        return {};
    });
}

Result<> FakeDeviceMapper::remove(const DmName& name, kernel::DmPending* /*later*/) {
    return call(Effect::Removes, [&]() -> Result<> {
        const auto* const device = TRY(named(name));
        if (info_of(*device).open_count != 0) return in_use(name);
        if (device->live) devices_.note_order(*device->live);
        devices_.mapped().erase(name.str());
        devices_.sweep();
        return {};
    });
}

Result<> FakeDeviceMapper::remove_when_unused(const DmName& name) {
    return call(Effect::Removes, [&]() -> Result<> {
        TRY(named(name))->removed_when_unused = true;
        devices_.sweep();
        return {};
    });
}

Result<> FakeDeviceMapper::keep(const DmName& name) {
    return call(Effect::Changes, [&]() -> Result<> {
        TRY(named(name))->removed_when_unused = false;
        return {};
    });
}

Result<> FakeDeviceMapper::rename(const DmName& from, const DmName& to) {
    return call(Effect::Changes, [&]() -> Result<> {
        TRY(named(from));
        auto& all = devices_.mapped();
        if (all.contains(to.str())) return fail(Errc::Exists, "the name '" + to.str() + "' is taken");
        auto node = all.extract(from.str());
        node.key() = to.str();
        node.mapped().name = to.str();
        all.insert(std::move(node));
        return {};
    });
}

Result<> FakeDeviceMapper::settle(kernel::DmPending& pending) {
    pending.cookie = 0;
    return {};
}

Result<std::optional<kernel::DmInfo>> FakeDeviceMapper::find(const DmName& name) const {
    return call(Effect::Reads, [&]() -> Result<std::optional<kernel::DmInfo>> {
        return first([&](const auto& device) { return device.name == name.str(); });
    });
}

Result<std::optional<kernel::DmInfo>> FakeDeviceMapper::find(const kernel::DmUuid& uuid) const {
    return call(Effect::Reads, [&]() -> Result<std::optional<kernel::DmInfo>> {
        return first([&](const auto& device) { return device.uuid == uuid.str(); });
    });
}

Result<std::optional<kernel::DmInfo>> FakeDeviceMapper::find(kernel::DeviceNumber number) const {
    return call(Effect::Reads, [&]() -> Result<std::optional<kernel::DmInfo>> {
        return first([&](const auto& device) { return device.number == number; });
    });
}

Result<kernel::DmTable> FakeDeviceMapper::table(const DmName& name) const {
    return call(Effect::Reads, [&]() -> Result<kernel::DmTable> {
        const auto* const device = TRY(named(name));
        if (!device->live) return nobody(name);
        return *device->live;
    });
}

std::string FakeDeviceMapper::status_of(const FakeDmDevice& device, const kernel::DmTargetKind& kind) const {
    if (device.status) return *device.status;
    if (const auto* const snapshot = std::get_if<kernel::SnapshotTarget>(&kind)) {
        const auto header = std::to_string(2 * snapshot->chunk.count);
        const auto size = devices_.size_of(snapshot->cow).value_or(base::SectorCount{});
        return header + "/" + std::to_string(size.count) + " " + header;
    }
    if (std::holds_alternative<kernel::ThinPoolTarget>(kind)) return "0 10/1024 0/1024 - rw discard_passdown queue_if_no_space - 256 ";
    if (std::holds_alternative<kernel::ThinTarget>(kind)) return "0 -";
    return {};
}

Result<std::vector<kernel::DmTargetStatus>> FakeDeviceMapper::status(const DmName& name) const {
    return call(Effect::Reads, [&]() -> Result<std::vector<kernel::DmTargetStatus>> {
        const auto* const device = TRY(named(name));
        std::vector<kernel::DmTargetStatus> all;
        if (!device->live) return all;
        for (const auto& target : device->live->targets())
            all.push_back({target.start, target.length, type_of(target.kind), status_of(*device, target.kind)});
        return all;
    });
}

Result<std::vector<kernel::DeviceNumber>> FakeDeviceMapper::devices_below(const DmName& name) const {
    return call(Effect::Reads, [&]() -> Result<std::vector<kernel::DeviceNumber>> {
        const auto* const device = TRY(named(name));
        return device->live ? device->live->devices() : std::vector<kernel::DeviceNumber>{};
    });
}

Result<std::vector<kernel::DmInfo>> FakeDeviceMapper::list(std::string_view uuid_prefix) const {
    return call(Effect::Reads, [&]() -> Result<std::vector<kernel::DmInfo>> {
        std::vector<kernel::DmInfo> all;
        for (const auto& [name, device] : devices_.mapped())
            if (device.uuid.starts_with(uuid_prefix)) all.push_back(info_of(device));
        return all;
    });
}

Result<std::string> FakeDeviceMapper::message(const DmName& name, base::SectorCount /*sector*/, const std::string& text) {
    return call(Effect::Changes, [&]() -> Result<std::string> {
        auto* const device = TRY(named(name));
        if (!device->live || !std::holds_alternative<kernel::ThinPoolTarget>(device->live->targets().front().kind))
            return fail(Errc::InvalidArgument, "the device '" + name.str() + "' takes no messages");
        TRY(send_to_pool(*device, text));
        return std::string();
    });
}

}  // namespace varve::fakes
