// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/file/tidy.h"

namespace varve::file {
namespace {

using base::Errc;
using base::Result;

// Short: what is on its way is written, nobody's page cache is.
constexpr kernel::DmSuspend without_page_cache{.lock_filesystem = false, .flush = true};

Result<> remove_unused(Ports& ports, const std::vector<PoolDevice>& unused, kernel::DmBatch& batch) {
    for (const auto& device : unused) {
        auto removed = ports.mapper.remove(device.name, batch.pending());
        if (!removed && removed.error().code != Errc::NotFound && removed.error().code != Errc::Busy) return removed;
    }
    return {};
}

Result<> remove_beside_origin(Ports& ports, const PoolDevice& origin, const std::vector<PoolDevice>& unused) {
    kernel::DmBatch batch(ports.mapper);
    const auto suspended = ports.mapper.suspend(origin.name, without_page_cache);
    const auto removed = suspended ? remove_unused(ports, unused, batch) : suspended;
    auto resumed = ports.mapper.resume(origin.name);
    if (!resumed) resumed = ports.mapper.resume(origin.name);  // a guest waits
    if (!resumed)
        return base::Failure(
            base::with_context(resumed.error(), "the device '" + origin.name.str() + "' stands still and could not be set going again"));
    const auto settled = batch.settle();
    return removed ? settled : removed;
}

Result<> tidy_beside_origin(Ports& ports, const PoolDevice& origin, const std::vector<PoolDevice>& middles) {
    std::vector<PoolDevice> unused;
    for (const auto& middle : middles) {
        const bool own = middle.role.cow == origin.role.cow;
        if (middle.info.removed_when_unused)
            (void)TRY(keep_if_there(ports, middle.name));  // gone or not, it does not go by itself any more
        if (!own && middle.info.open_count == 0) unused.push_back(middle);
    }
    if (unused.empty()) return {};
    return remove_beside_origin(ports, origin, unused);
}

}  // namespace

Result<> keep_middles(Ports& ports, const PoolDevices& devices, FileId image) {
    for (const auto& middle : devices.middles_over(image))
        if (middle.info.removed_when_unused) (void)TRY(keep_if_there(ports, middle.name));  // what has gone is not missed
    return {};
}

Result<> tidy_image(Ports& ports, FileId image) {
    const auto devices = TRY(PoolDevices::look(ports.mapper, ports.names));
    const auto middles = devices.middles_over(image);
    if (const auto* const origin = devices.origin_over(image); origin != nullptr) return tidy_beside_origin(ports, *origin, middles);
    for (const auto& middle : middles)
        if (!middle.info.removed_when_unused || middle.info.open_count == 0) TRY(let_go_with_last_user(ports, middle.name));
    return {};
}

}  // namespace varve::file
