// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/dm_steps.h"

#include <initializer_list>
#include <string>
#include <string_view>

namespace varve::kernel {
namespace {

using base::Result;

// The one target's status text, if it is of one of these types.
Result<std::string> only_status(const DeviceMapper& mapper, const DmName& name, std::initializer_list<std::string_view> types) {
    auto targets = TRY(mapper.status(name));
    if (targets.size() == 1)
        for (const auto type : types)
            if (targets.front().type == type) return std::move(targets.front().text);
    return base::fail(base::Errc::InvalidArgument, "the device '" + name.str() + "' is not a " + std::string(*types.begin()) + " device");
}

// Back to running with the old table.
base::Failure undo_switch(DeviceMapper& mapper, const DmName& name, base::Error error) {
    const auto cleared = mapper.clear(name);
    const auto resumed = mapper.resume(name);
    if (cleared && resumed) return base::Failure(std::move(error));
    const auto& second = cleared ? resumed.error() : cleared.error();
    error.code = base::Errc::Io;
    error.context += "; and the device could not be set going again (" + second.message() + ")";
    return base::Failure(std::move(error));
}

}  // namespace

DmDeviceGuard::~DmDeviceGuard() {
    if (mapper_ != nullptr) (void)remove_if_there(*mapper_, name_);  // what stays is swept by its uuid at the next start
}

Result<> switch_table(DeviceMapper& mapper, const DmName& name, const DmTable& table, DmAccess access, DmSuspend how) {
    TRY(mapper.load(name, table, access));
    if (auto suspended = mapper.suspend(name, how); !suspended) return undo_switch(mapper, name, std::move(suspended).error());
    // Point of no return: from here I/O goes to the new table.
    if (auto resumed = mapper.resume(name); !resumed) return undo_switch(mapper, name, std::move(resumed).error());
    return {};
}

Result<> remove_if_there(DeviceMapper& mapper, const DmName& name) {
    auto removed = mapper.remove(name);
    if (!removed && removed.error().code == base::Errc::NotFound) return {};
    return removed;
}

Result<SnapshotStatus> snapshot_status(const DeviceMapper& mapper, const DmName& name) {
    const auto targets = TRY(mapper.status(name));
    for (const auto& target : targets)
        if (target.type == "snapshot" || target.type == "snapshot-merge") return parse_snapshot_status(target.text);
    return base::fail(base::Errc::InvalidArgument, "the device '" + name.str() + "' is not a snapshot device");
}

Result<ThinPoolStatus> thin_pool_status(const DeviceMapper& mapper, const DmName& name) {
    return parse_thin_pool_status(TRY(only_status(mapper, name, {"thin-pool"})));
}

Result<ThinStatus> thin_status(const DeviceMapper& mapper, const DmName& name) {
    return parse_thin_status(TRY(only_status(mapper, name, {"thin"})));
}

}  // namespace varve::kernel
