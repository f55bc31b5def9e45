// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/file/middle.h"

#include <string>
#include <utility>

namespace varve::file {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using Kind = DeviceRole::Kind;

base::Failure invalid(const StateFiles& files) {
    return fail(Errc::Corrupt,
                "the COW file of '" + files.volume +
                    "' was full or could not be written, so its state from before the start is lost; what was written since is "
                    "whole: stop the volume to commit it");
}

// The loop device that an origin or middle device stands on; nothing when the device has gone meanwhile.
Result<std::optional<kernel::HeldLoop>> loop_below(Ports& ports, const PoolDevice& device) {
    if (!device.info.live_table) return std::nullopt;
    if (device.role.kind == Kind::Origin)
        return TRY(hold_below(ports, device.name, TRY(origin_of(ports, device.name)).origin, device.role.image));
    if (!TRY(keep_if_there(ports, device.name))) return std::nullopt;
    return TRY(hold_below(ports, device.name, TRY(snapshot_of(ports, device.name)).origin, device.role.image));
}

// Everything that was made over the image stands on one loop device, unless somebody has meddled.
Result<kernel::HeldLoop> loop_over_image(Ports& ports, const PoolDevices& devices, const StateFiles& files, FileId image) {
    std::optional<kernel::HeldLoop> found;
    for (const auto& device : devices.all()) {
        if (device.role.image != image || device.role.kind == Kind::Top) continue;
        auto held = TRY(loop_below(ports, device));
        if (!held) continue;
        if (found && found->loop.device != held->loop.device)
            return fail(Errc::Corrupt, "the devices over the image of '" + files.volume + "' stand on two loop devices, " +
                                           found->loop.path().string() + " and " + held->loop.path().string() +
                                           ", so that one would not notice what is written to the other; stop all VMs that use it");
        found = std::move(held);
    }
    if (found) {
        TRY(ports.loops.update_size(found->loop));  // the image may have grown under states that still stand on it
        return *std::move(found);
    }
    return ports.loops.attach_held(files.image, {});
}

Result<> check_no_origin(const PoolDevices& devices, const StateFiles& files, const StateIds& ids) {
    const auto* const origin = devices.origin_over(ids.image);
    if (origin == nullptr) return {};
    if (origin->role.cow != ids.cow)
        return fail(Errc::Busy, "'" + files.volume + "' runs with another COW file than it has now; stop it first");
    return fail(Errc::Corrupt,
                "the device that keeps the state of '" + files.volume +
                    "' from before its start is gone while it runs, so that state is lost; stop the volume to commit what was written");
}

Result<Middle> make_middle(Ports& ports, const PoolDevices& devices, const StateFiles& files, const StateIds& ids, kernel::DmBatch& batch) {
    TRY(check_no_origin(devices, files, ids));
    if (files.size.count == 0 || !files.size.whole_sectors())
        return fail(Errc::InvalidArgument, "a state of " + std::to_string(files.size.count) + " bytes cannot be a device: '" +
                                               files.volume + "' needs one or more whole sectors");
    const auto content = check_cow_file(files.cow, files.size);
    if (!content) return base::Failure(base::with_context(content.error(), "'" + files.volume + "'"));
    if (content->use == CowUse::Invalid) return invalid(files);
    auto image = TRY(loop_over_image(ports, devices, files, ids.image));
    const auto cow = TRY(ports.loops.attach_held(files.cow, {}));
    const auto name = TRY(ports.names.of({Kind::Middle, ids.image, ids.cow, {}}));
    const auto table = TRY(kernel::DmTable::of(
        sectors_of(files.size), kernel::SnapshotTarget{.origin = image.loop.device, .cow = cow.loop.device, .chunk = cow_chunk}));
    // Read-only for everybody above: the kernel goes on writing exceptions to the COW file, which it opens by itself.
    const auto number = TRY(make_device(ports, name, table, kernel::DmAccess::ReadOnly, batch));
    return Middle{name.name, number, std::move(image), true};
}

}  // namespace

Result<StateIds> ids_of(Ports& ports, const StateFiles& files) {
    const auto image = TRY(ports.loops.backing_of(files.image));
    const auto cow = TRY(ports.loops.backing_of(files.cow));
    return StateIds{image, cow};
}

Result<std::optional<Middle>> use_middle(Ports& ports, const StateFiles& files, const StateIds& ids) {
    const auto devices = TRY(PoolDevices::look(ports.mapper, ports.names));
    const auto* const there = devices.middle(ids.image, ids.cow);
    if (there == nullptr || !TRY(keep_if_there(ports, there->name)) || !TRY(make_usable(ports, *there))) return std::nullopt;
    const auto target = TRY(snapshot_of(ports, there->name));
    auto image = TRY(hold_below(ports, there->name, target.origin, ids.image));
    (void)TRY(hold_below(ports, there->name, target.cow, ids.cow));
    if (TRY(ports.mapper.table(there->name)).size() != sectors_of(files.size))
        return fail(Errc::Corrupt,
                    "the device '" + there->name.str() + "' is not as large as the state of '" + files.volume + "' that it shows");
    if (TRY(use_of_device(ports, there->name)) == CowUse::Invalid) return invalid(files);
    return Middle{there->name, there->info.device, std::move(image), false};
}

Result<Middle> ensure_middle(Ports& ports, const StateFiles& files, const StateIds& ids, kernel::DmBatch& batch) {
    if (auto there = TRY(use_middle(ports, files, ids))) return *std::move(there);
    const auto devices = TRY(PoolDevices::look(ports.mapper, ports.names));
    return make_middle(ports, devices, files, ids, batch);
}

}  // namespace varve::file
