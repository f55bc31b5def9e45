// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/images/scan.h"

#include "drivers/images/driver.h"
#include "drivers/images/listing.h"
#include "drivers/records/record_file.h"

#include <algorithm>

namespace varve::images {
namespace {

using base::Result;
using base::VolumeName;

Result<> sweep(Context& pool, const VmDirectory& vm, const std::vector<std::string>& temporaries) {
    for (const auto& name : temporaries) {
        if (TRY(pool.files.open_for_writing(vm.fd.get(), name))) continue;
        TRY(pool.files.unlink(vm.fd.get(), name));
        pool.log.operation(pool.settings.name.str() + "/" + vm.name.str(), "removed", name);
    }
    return {};
}

api::Ownership ownership_of(const kernel::FileStatus& directory) { return {directory.uid, directory.gid, directory.mode & 0777}; }

// nullopt: an origin of which no state is left, nor anything that tells of one.
Result<std::optional<api::VolumeView>> load(Context& pool, const VmDirectory& vm, const VolumeName& volume, const Names& names,
                                            const api::VolumeConfig& config, const api::VolumeView* known) {
    VolumeFiles files(pool, vm, volume);
    KnownStates states(known);
    api::VolumeView view;
    view.config = config;
    TRY(pool.driver->load(files, names, states, view));
    const bool any = view.committed || view.session || !view.revisions.empty() || !view.degraded.empty() ||
                     !std::holds_alternative<api::Origin>(config.kind);
    return any ? std::optional(std::move(view)) : std::nullopt;
}

}  // namespace

Result<api::VmView> load_vm(Context& pool, const VmDirectory& vm) {
    auto record = TRY(records::read_record(pool.files, vm.fd.get()));
    auto listing = TRY(list_entries(pool, vm));
    TRY(sweep(pool, vm, listing.temporaries));

    const auto directory = TRY(pool.files.status(vm.fd.get()));
    api::VmView view;
    view.ownership = record.ownership.value_or(ownership_of(directory));
    view.created = record.created.value_or(directory.modified);
    view.foreign = std::move(listing.foreign);
    for (const auto& [volume, config] : record.volumes) listing.volumes.try_emplace(volume);

    bool stale_record = false;
    for (const auto& [volume, names] : listing.volumes) {
        const auto config = config_of(record, volume);
        auto loaded = TRY(load(pool, vm, volume, names, config, nullptr));
        if (loaded)
            view.volumes.emplace(volume, std::make_shared<const api::VolumeView>(std::move(*loaded)));
        else
            stale_record |= record.volumes.erase(volume) > 0;
        std::ranges::move(misfits(pool, names, config.kind), std::back_inserter(view.foreign));
    }
    if (stale_record) TRY(edit_record(pool, vm.fd.get(), [&](records::VmRecord& on_disk) { on_disk = record; }));
    return view;
}

Result<std::optional<api::VolumeView>> load_volume(Context& pool, const VmDirectory& vm, const VolumeName& volume,
                                                   const api::VolumeView* known) {
    const auto record = TRY(records::read_record(pool.files, vm.fd.get()));
    const auto listing = TRY(list_entries(pool, vm));
    const auto found = listing.volumes.find(volume);
    if (found == listing.volumes.end() && !record.volumes.contains(volume)) return std::optional<api::VolumeView>();
    return load(pool, vm, volume, found == listing.volumes.end() ? Names{} : found->second, config_of(record, volume), known);
}

}  // namespace varve::images
