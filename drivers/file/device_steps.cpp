// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/file/device_steps.h"

#include <chrono>
#include <thread>
#include <utility>

namespace varve::file {

using base::Errc;
using base::fail;
using base::Result;

namespace {

template <class Target>
Result<Target> only_target(Ports& ports, const kernel::DmName& name) {
    const auto table = TRY(ports.mapper.table(name));
    const auto& targets = table.targets();
    // A snapshot that has grown goes on with a file.
    const bool alone = targets.size() == 1 || (targets.size() == 2 && std::holds_alternative<kernel::LinearTarget>(targets.back().kind));
    if (const auto* const target = std::get_if<Target>(&targets.front().kind); target != nullptr && alone) return *target;
    return fail(Errc::Corrupt, "the device '" + name.str() + "' is not what its name says; somebody has given it another table");
}

}  // namespace

Result<kernel::DeviceNumber> make_device(Ports& ports, const DeviceName& name, const kernel::DmTable& table, kernel::DmAccess access,
                                         kernel::DmBatch& batch) {
    auto made = ports.mapper.create(name.name, name.uuid, table, access, batch.pending());
    if (made || made.error().code != Errc::Exists) return made;
    const auto there = TRY(ports.mapper.find(name.name));
    if (!there || there->uuid == name.uuid.str()) return made;
    return fail(Errc::Exists, "the device '" + name.name.str() + "' is there already and not this pool's (" +
                                  (there->uuid.empty() ? "it has no uuid" : "its uuid is '" + there->uuid + "'") +
                                  "): another program uses the volume; end what uses it and remove the device");
}

Result<bool> make_usable(Ports& ports, const PoolDevice& device) {
    if (!device.info.live_table) {
        // A process died while it made it. (Also when it was just about to be resumed for the first time.)
        TRY(kernel::remove_if_there(ports.mapper, device.name));
        return false;
    }
    if (device.info.inactive_table) TRY(ports.mapper.clear(device.name));
    if (device.info.suspended) TRY(ports.mapper.resume(device.name));
    return true;
}

Result<bool> keep_if_there(Ports& ports, const kernel::DmName& name) {
    constexpr int most_looks = 1000;  // a millisecond each, not counting what else passes
    for (int look = 1;; ++look) {
        const auto kept = ports.mapper.keep(name);
        if (kept) return true;
        if (kept.error().code == Errc::NotFound) return false;
        if (kept.error().code != Errc::Busy || look == most_looks) return base::Failure(kept.error());
        std::this_thread::sleep_for(std::chrono::milliseconds(1));  // nothing tells when it has gone
    }
}

Result<> let_go_with_last_user(Ports& ports, const kernel::DmName& name) {
    auto done = ports.mapper.remove_when_unused(name);
    if (!done && done.error().code == Errc::NotFound) return {};
    return done;
}

Result<kernel::SnapshotTarget> snapshot_of(Ports& ports, const kernel::DmName& name) {
    return only_target<kernel::SnapshotTarget>(ports, name);
}

Result<kernel::SnapshotOriginTarget> origin_of(Ports& ports, const kernel::DmName& name) {
    return only_target<kernel::SnapshotOriginTarget>(ports, name);
}

Result<kernel::HeldLoop> hold_below(Ports& ports, const kernel::DmName& name, kernel::DeviceNumber below, FileId file) {
    auto held = ports.loops.hold(below);
    if (held && held->loop.backing == file) return held;
    if (!held && held.error().code != Errc::NotFound && held.error().code != Errc::InvalidArgument) return held;
    return fail(Errc::Corrupt, "the device '" + name.str() + "' stands on the device " + below.str() +
                                   ", which is not over the file that its name says; remove it when nobody uses it");
}

Result<CowUse> use_of_device(Ports& ports, const kernel::DmName& name) {
    const auto status = TRY(kernel::snapshot_status(ports.mapper, name));
    const auto* const usage = std::get_if<kernel::SnapshotUsage>(&status);
    if (usage == nullptr) return CowUse::Invalid;
    return usage->has_exceptions() ? CowUse::Changed : CowUse::Unused;
}

base::SectorCount sectors_of(base::Bytes size) { return {size.count / base::sector_size}; }

}  // namespace varve::file
