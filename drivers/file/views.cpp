// SPDX-License-Identifier: LGPL-2.1-or-later
// States to read (stacks.h).
#include "drivers/file/middle.h"
#include "drivers/file/stacks.h"
#include "drivers/file/tidy.h"

#include <algorithm>
#include <utility>

namespace varve::file {

using base::Errc;
using base::fail;
using base::Result;
using base::UniqueFd;
using Kind = DeviceRole::Kind;

Result<UniqueFd> Stacks::open_state(const StateFiles& files) {
    const Lock lock(mutex_);
    const auto ids = TRY(ids_of(ports_, files));
    kernel::DmBatch batch(ports_.mapper);
    TidyAtEnd tidied(ports_, ids.image);
    const auto middle = TRY(ensure_middle(ports_, files, ids, batch));
    TRY(batch.settle());
    auto opened = TRY(ports_.nodes.open(middle.name, middle.number));
    TRY(tidied.now());
    return opened;
}

Result<UniqueFd> Stacks::open_base(const std::string& volume, int own_cow) {
    const Lock lock(mutex_);
    const auto id = TRY(ports_.loops.backing_of(own_cow));
    const auto devices = TRY(PoolDevices::look(ports_.mapper, ports_.names));
    const auto* const top = devices.top_with(id);
    const auto* const middle = top != nullptr ? devices.middle(top->role.image, top->role.cow) : nullptr;
    if (middle == nullptr) return fail(Errc::NotFound, "'" + volume + "' does not run, so it has no base");
    if (TRY(use_of_device(ports_, middle->name)) == CowUse::Invalid)
        return fail(Errc::Corrupt, "what '" + volume +
                                       "' started from is lost: a COW file of its source was full or could not be written; restart its VM");
    return ports_.nodes.open(middle->name, middle->info.device);
}

Result<UniqueFd> Stacks::open_revision(const StateFiles& present, const CowOver& old) {
    const Lock lock(mutex_);
    const auto image = TRY(ports_.loops.backing_of(present.image));
    const auto old_cow = TRY(ports_.loops.backing_of(old.cow));
    TidyAtEnd tidied(ports_, image);
    // VMs still run on it: only that device knows all that the COW file has, and no second one may be made with it.
    const StateFiles direct{old.volume, present.image, old.cow, old.size};
    auto opened = UniqueFd();
    if (const auto middle = TRY(use_middle(ports_, direct, {image, old_cow})))
        opened = TRY(ports_.nodes.open(middle->name, middle->number));
    else
        opened = TRY(open_over(present, old));
    TRY(tidied.now());
    return opened;
}

// What differs from the present state is in the old COW file: so it is read on top of the present one's device, and that goes on being right
// when the image is written again.
Result<UniqueFd> Stacks::open_over(const StateFiles& present, const CowOver& old) {
    const auto ids = TRY(ids_of(ports_, present));
    const auto old_cow = TRY(ports_.loops.backing_of(old.cow));
    const DeviceRole role{Kind::Top, ids.image, ids.cow, old_cow};
    const auto name = TRY(ports_.names.of(role));
    kernel::DmBatch batch(ports_.mapper);
    const auto middle = TRY(ensure_middle(ports_, present, ids, batch));
    const auto there = TRY(use_top(name, role, middle.number));
    const auto number = there ? *there : TRY(make_top(name, old, middle.number, kernel::DmAccess::ReadOnly, batch));
    LetGoAtEnd view(ports_, name.name);
    TRY(batch.settle());
    auto opened = TRY(ports_.nodes.open(name.name, number));
    TRY(view.now());
    return opened;
}

Result<CowUse> Stacks::use_of(const StateFiles& files) const {
    const Lock lock(mutex_);
    const auto ids = TRY(ids_of(ports_, files));
    const auto devices = TRY(PoolDevices::look(ports_.mapper, ports_.names));
    if (const auto* const middle = devices.middle(ids.image, ids.cow); middle != nullptr && middle->info.live_table)
        return use_of_device(ports_, middle->name);
    return read_cow_use(files.cow);
}

Result<CowUse> Stacks::use_of_own(int own_cow) const {
    const Lock lock(mutex_);
    const auto id = TRY(ports_.loops.backing_of(own_cow));
    const auto devices = TRY(PoolDevices::look(ports_.mapper, ports_.names));
    if (const auto* const top = devices.top_with(id); top != nullptr && top->info.live_table) return use_of_device(ports_, top->name);
    return read_cow_use(own_cow);
}

Result<std::size_t> Stacks::sessions_on_other_states(int image, int cow) const {
    const Lock lock(mutex_);
    const auto image_id = TRY(ports_.loops.backing_of(image));
    const auto cow_id = TRY(ports_.loops.backing_of(cow));
    const auto devices = TRY(PoolDevices::look(ports_.mapper, ports_.names));
    const auto other = [&](const PoolDevice& device) {
        const bool session = device.role.kind == Kind::Top && !device.info.read_only;
        return session && device.role.image == image_id && device.role.cow != cow_id;
    };
    return static_cast<std::size_t>(std::ranges::count_if(devices.all(), other));
}

Result<bool> Stacks::cow_is_used_elsewhere(int image, int cow) const {
    const Lock lock(mutex_);
    const auto image_id = TRY(ports_.loops.backing_of(image));
    const auto cow_id = TRY(ports_.loops.backing_of(cow));
    const auto devices = TRY(PoolDevices::look(ports_.mapper, ports_.names));
    return std::ranges::any_of(devices.all(), [&](const PoolDevice& device) {
        return device.role.over == cow_id || (device.role.cow == cow_id && device.role.image != image_id);
    });
}

Result<bool> Stacks::image_is_used(int image) const {
    const Lock lock(mutex_);
    const auto id = TRY(ports_.loops.backing_of(image));
    const auto devices = TRY(PoolDevices::look(ports_.mapper, ports_.names));
    return std::ranges::any_of(devices.all(), [&](const PoolDevice& device) { return device.role.image == id; });
}

}  // namespace varve::file
