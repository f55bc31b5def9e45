// SPDX-License-Identifier: LGPL-2.1-or-later
// What an earlier process has left (stacks.h). Loop devices need nothing: they go with the process or with the last device on them.
#include "drivers/file/stacks.h"
#include "drivers/file/tidy.h"

#include <utility>

namespace varve::file {
namespace {

using base::Errc;
using base::Result;

void keep_first(Result<>& first, Result<> next) {
    if (first && !next) first = std::move(next);
}

Result<> without_value(Result<bool> result) {
    if (!result) return base::Failure(std::move(result).error());
    return {};
}

Result<> remove_unused_guest_device(Ports& ports, const PoolDevice& device) {
    if (device.role.kind == DeviceRole::Kind::Middle || device.info.open_count != 0) return {};
    auto removed = kernel::remove_if_there(ports.mapper, device.name);
    if (!removed && removed.error().code == Errc::Busy) return {};  // somebody has just opened it
    return removed;
}

}  // namespace

Result<> Stacks::recover(Unopened unopened) {
    const Lock lock(mutex_);
    Result<> first;
    const auto left = TRY(PoolDevices::look(ports_.mapper, ports_.names));
    for (const auto& device : left.all()) keep_first(first, without_value(make_usable(ports_, device)));
    if (unopened == Unopened::Remove)
        for (const auto& device : left.all()) keep_first(first, remove_unused_guest_device(ports_, device));
    for (const auto& image : left.images()) keep_first(first, tidy_image(ports_, image));
    return first;
}

Result<> Stacks::tidy() {
    const Lock lock(mutex_);
    Result<> first;
    for (const auto& image : TRY(PoolDevices::look(ports_.mapper, ports_.names)).images()) keep_first(first, tidy_image(ports_, image));
    return first;
}

}  // namespace varve::file
