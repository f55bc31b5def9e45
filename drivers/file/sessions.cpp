// SPDX-License-Identifier: LGPL-2.1-or-later
// Sessions of VMs (stacks.h).
#include "drivers/file/middle.h"
#include "drivers/file/stacks.h"
#include "drivers/file/tidy.h"

#include <sys/stat.h>

#include <cerrno>
#include <utility>

namespace varve::file {

using base::Errc;
using base::fail;
using base::Result;
using Kind = DeviceRole::Kind;

namespace {

Result<base::Bytes> size_of_image(const std::string& volume, int image) {
    struct stat status {};
    if (::fstat(image, &status) != 0) return base::fail_errno(errno, "cannot look at the image of '" + volume + "'");
    return base::Bytes{static_cast<std::uint64_t>(status.st_size)};
}

Result<base::Bytes> size_for_guest(const StateFiles& files) {
    const auto size = TRY(size_of_image(files.volume, files.image));
    if (!size.whole_sectors() || size.count == 0)
        return fail(Errc::InvalidArgument, "the image of '" + files.volume + "' has " + std::to_string(size.count) +
                                               " bytes, which is not one or more whole sectors");
    if (size < files.size)
        return fail(Errc::Corrupt, "the image of '" + files.volume + "' has " + std::to_string(size.count) + " bytes, fewer than the " +
                                       std::to_string(files.size.count) + " of its state: somebody has cut it off");
    return size;
}

Result<kernel::DmTable> origin_table(base::Bytes size, const kernel::LoopDevice& loop) {
    return kernel::DmTable::of(sectors_of(size), kernel::SnapshotOriginTarget{loop.device});
}

Result<kernel::DmTable> grown_table(const CowOver& own, const kernel::SnapshotTarget& target, const kernel::LoopDevice& grown) {
    const auto behind = sectors_of(TRY(size_of_image(own.volume, own.grown)));
    const auto first = sectors_of(own.size);
    return kernel::DmTable::make({{{}, first, target}, {first, behind, kernel::LinearTarget{grown.device, {}}}});
}

// The loop device over own.grown, as large as that is now: the one that the guest's device stands on, or a new one.
Result<kernel::HeldLoop> loop_behind(Ports& ports, const PoolDevice& top, const kernel::DmTable& table, const CowOver& own) {
    const auto* const linear = std::get_if<kernel::LinearTarget>(&table.targets().back().kind);
    if (linear == nullptr) return ports.loops.attach_held(own.grown, {});
    auto held = TRY(hold_below(ports, top.name, linear->device, TRY(ports.loops.backing_of(own.grown))));
    TRY(ports.loops.update_size(held.loop));
    return held;
}

RunningStack as_running(const PoolDevice& device) { return {{device.name, device.info.device}, device.role, device.info.open_count != 0}; }

}  // namespace

Result<GuestDevice> Stacks::running_origin(const PoolDevice& origin, const StateFiles& files, FileId cow, const kernel::LoopDevice& loop) {
    if (origin.role.cow != cow) return fail(Errc::Busy, "'" + files.volume + "' runs with another COW file than it has now; stop it first");
    if (TRY(origin_of(ports_, origin.name)).origin != loop.device)
        return fail(Errc::Corrupt, "the device '" + origin.name.str() + "' stands on another loop device than the states of '" +
                                       files.volume + "'; stop it");
    return GuestDevice{origin.name, origin.info.device};
}

Result<GuestDevice> Stacks::start_origin(const StateFiles& files) {
    const Lock lock(mutex_);
    const auto ids = TRY(ids_of(ports_, files));
    const auto size = TRY(size_for_guest(files));
    kernel::DmBatch batch(ports_.mapper);
    TidyAtEnd tidied(ports_, ids.image);
    const auto middle = TRY(ensure_middle(ports_, files, ids, batch));
    const auto devices = TRY(PoolDevices::look(ports_.mapper, ports_.names));
    if (const auto* const there = devices.origin_over(ids.image); there != nullptr && TRY(make_usable(ports_, *there))) {
        auto running = TRY(running_origin(*there, files, ids.cow, middle.image.loop));
        TRY(tidied.now());
        return running;
    }
    TRY(keep_middles(ports_, devices, ids.image));
    if (!middle.made_now) TRY(ports_.loops.update_size(middle.image.loop));  // the image may have grown since
    const auto name = TRY(ports_.names.of({Kind::Origin, ids.image, ids.cow, {}}));
    const auto number = TRY(make_device(ports_, name, TRY(origin_table(size, middle.image.loop)), kernel::DmAccess::ReadWrite, batch));
    kernel::DmDeviceGuard made(ports_.mapper, name.name);
    TRY(batch.settle());
    TRY(tidied.now());
    made.release();
    return GuestDevice{name.name, number};
}

Result<> Stacks::remove_guest_device(const std::string& volume, const PoolDevice& device, kernel::DmBatch& batch) {
    if (!TRY(make_usable(ports_, device))) return {};
    auto removed = ports_.mapper.remove(device.name, batch.pending());
    if (!removed && removed.error().code == Errc::NotFound) return {};
    if (!removed && removed.error().code == Errc::Busy)
        return fail(Errc::Busy, "'" + volume + "' is in use: something has the device '" + device.name.str() + "' open");
    return removed;
}

Result<> Stacks::stop_origin(const std::string& volume, int image) {
    const Lock lock(mutex_);
    const auto id = TRY(ports_.loops.backing_of(image));
    kernel::DmBatch batch(ports_.mapper);
    TidyAtEnd tidied(ports_, id);
    const auto devices = TRY(PoolDevices::look(ports_.mapper, ports_.names));
    if (const auto* const origin = devices.origin_over(id); origin != nullptr) TRY(remove_guest_device(volume, *origin, batch));
    TRY(tidied.now());
    return batch.settle();
}

Result<> Stacks::grow_origin(const std::string& volume, int image) {
    const Lock lock(mutex_);
    const auto id = TRY(ports_.loops.backing_of(image));
    const auto size = TRY(size_of_image(volume, image));
    const auto devices = TRY(PoolDevices::look(ports_.mapper, ports_.names));
    const auto* const origin = devices.origin_over(id);
    if (origin == nullptr || !TRY(make_usable(ports_, *origin))) return fail(Errc::NotFound, "'" + volume + "' does not run");
    const auto present = TRY(ports_.mapper.table(origin->name)).size();
    if (sectors_of(size) == present) return {};
    if (sectors_of(size) < present) return fail(Errc::InvalidArgument, "'" + volume + "' runs: it can be made larger, but not smaller");
    const auto loop = TRY(hold_below(ports_, origin->name, TRY(origin_of(ports_, origin->name)).origin, id));
    TRY(ports_.loops.update_size(loop.loop));
    // Snapshots need no new table: of a larger origin they are asked only for what lies within them (__origin_write in dm-snap.c).
    return kernel::switch_table(ports_.mapper, origin->name, TRY(origin_table(size, loop.loop)), kernel::DmAccess::ReadWrite,
                                {.lock_filesystem = false, .flush = true});
}

Result<std::optional<kernel::DeviceNumber>> Stacks::use_top(const DeviceName& name, const DeviceRole& role, kernel::DeviceNumber middle) {
    const auto devices = TRY(PoolDevices::look(ports_.mapper, ports_.names));
    for (const auto& device : devices.all()) {
        if (device.role != role || !TRY(keep_if_there(ports_, name.name)) || !TRY(make_usable(ports_, device))) continue;
        const auto target = TRY(snapshot_of(ports_, device.name));
        (void)TRY(hold_below(ports_, device.name, target.cow, *role.over));
        if (target.origin != middle)
            return fail(Errc::Corrupt, "the device '" + device.name.str() +
                                           "' does not stand on the state that its name says; remove it when nobody uses it");
        return device.info.device;
    }
    return std::nullopt;
}

Result<kernel::DeviceNumber> Stacks::make_top(const DeviceName& name, const CowOver& own, kernel::DeviceNumber middle,
                                              kernel::DmAccess access, kernel::DmBatch& batch) {
    const auto content = check_cow_file(own.cow, own.size);
    if (!content) return base::Failure(base::with_context(content.error(), "'" + own.volume + "'"));
    if (content->use == CowUse::Invalid)
        return fail(Errc::Corrupt, "the COW file of '" + own.volume + "' was full or could not be written: what it kept is lost");
    const auto cow = TRY(ports_.loops.attach_held(own.cow, {}));
    const kernel::SnapshotTarget target{.origin = middle, .cow = cow.loop.device, .chunk = cow_chunk};
    if (own.grown < 0) return make_device(ports_, name, TRY(kernel::DmTable::of(sectors_of(own.size), target)), access, batch);
    const auto grown = TRY(ports_.loops.attach_held(own.grown, {}));
    return make_device(ports_, name, TRY(grown_table(own, target, grown.loop)), access, batch);
}

// The table is loaded while the old one still runs: the kernel hands the exceptions over when it is resumed (snapshot_preresume in dm-snap.c).
Result<> Stacks::grow_snapshot(const CowOver& own) {
    const Lock lock(mutex_);
    const auto own_cow = TRY(ports_.loops.backing_of(own.cow));
    const auto devices = TRY(PoolDevices::look(ports_.mapper, ports_.names));
    const auto* const top = devices.top_with(own_cow);
    if (top == nullptr || !TRY(make_usable(ports_, *top))) return fail(Errc::NotFound, "'" + own.volume + "' does not run");
    const auto present = TRY(ports_.mapper.table(top->name));
    const auto target = TRY(snapshot_of(ports_, top->name));
    const auto grown = TRY(loop_behind(ports_, *top, present, own));
    const auto table = TRY(grown_table(own, target, grown.loop));
    if (table == present) return {};
    if (table.size() < present.size())
        return fail(Errc::InvalidArgument, "'" + own.volume + "' runs: it can be made larger, but not smaller");
    return kernel::switch_table(ports_.mapper, top->name, table, kernel::DmAccess::ReadWrite, {.lock_filesystem = false, .flush = true});
}

Result<GuestDevice> Stacks::start_snapshot(const StateFiles& source, const CowOver& own) {
    const Lock lock(mutex_);
    const auto ids = TRY(ids_of(ports_, source));
    const auto own_cow = TRY(ports_.loops.backing_of(own.cow));
    const DeviceRole role{Kind::Top, ids.image, ids.cow, own_cow};
    const auto name = TRY(ports_.names.of(role));
    const auto devices = TRY(PoolDevices::look(ports_.mapper, ports_.names));
    if (const auto* const other = devices.top_with(own_cow); other != nullptr && other->role != role)
        return fail(Errc::Busy, "'" + own.volume + "' runs on another state than '" + source.volume + "' has now; stop it first");
    kernel::DmBatch batch(ports_.mapper);
    TidyAtEnd tidied(ports_, ids.image);
    const auto middle = TRY(ensure_middle(ports_, source, ids, batch));
    if (const auto there = TRY(use_top(name, role, middle.number))) {
        TRY(tidied.now());
        return GuestDevice{name.name, *there};
    }
    const auto number = TRY(make_top(name, own, middle.number, kernel::DmAccess::ReadWrite, batch));
    kernel::DmDeviceGuard made(ports_.mapper, name.name);
    TRY(batch.settle());
    TRY(tidied.now());
    made.release();
    return GuestDevice{name.name, number};
}

Result<> Stacks::stop_snapshot(const std::string& volume, int own_cow) {
    const Lock lock(mutex_);
    const auto id = TRY(ports_.loops.backing_of(own_cow));
    const auto devices = TRY(PoolDevices::look(ports_.mapper, ports_.names));
    const auto* const top = devices.top_with(id);
    if (top == nullptr) return {};
    kernel::DmBatch batch(ports_.mapper);
    TidyAtEnd tidied(ports_, top->role.image);
    TRY(remove_guest_device(volume, *top, batch));
    TRY(tidied.now());
    return batch.settle();
}

Result<std::optional<RunningStack>> Stacks::origin_session(int image) const {
    const Lock lock(mutex_);
    const auto id = TRY(ports_.loops.backing_of(image));
    const auto devices = TRY(PoolDevices::look(ports_.mapper, ports_.names));
    if (const auto* const origin = devices.origin_over(id); origin != nullptr) return as_running(*origin);
    return std::nullopt;
}

Result<std::optional<RunningStack>> Stacks::snapshot_session(int own_cow) const {
    const Lock lock(mutex_);
    const auto id = TRY(ports_.loops.backing_of(own_cow));
    const auto devices = TRY(PoolDevices::look(ports_.mapper, ports_.names));
    if (const auto* const top = devices.top_with(id); top != nullptr) return as_running(*top);
    return std::nullopt;
}

}  // namespace varve::file
