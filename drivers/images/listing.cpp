// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/images/listing.h"

#include "drivers/images/driver.h"

namespace varve::images {
namespace {

void add(Names& names, const Entry& entry) {
    names.all.push_back(entry);
    if (std::holds_alternative<CommittedFile>(entry)) names.committed = true;
    if (std::holds_alternative<DirtyFile>(entry)) names.dirty = true;
    if (std::holds_alternative<BaseFile>(entry)) names.base = true;
    if (std::holds_alternative<PrecacheFile>(entry)) names.precache = true;
    if (std::holds_alternative<CowFile>(entry)) names.cow = true;
    if (std::holds_alternative<OldCowFile>(entry)) names.old_cow = true;
    if (std::holds_alternative<BaseCowFile>(entry)) names.base_cow = true;
    if (std::holds_alternative<SessionFile>(entry)) names.session = true;
    if (std::holds_alternative<GrownFile>(entry)) names.grown = true;
    if (const auto* timed = std::get_if<TimedFile>(&entry)) names.timed.push_back(*timed);
    if (const auto* pin = std::get_if<PinFile>(&entry)) names.pins.push_back(*pin);
}

}  // namespace

base::Result<Listing> list_entries(const Context& pool, const VmDirectory& vm) {
    Listing listing;
    for (const auto& [name, type] : TRY(pool.files.list(vm.fd.get()))) {
        const auto meaning = classify(name);
        const auto* const volume = volume_of(meaning);
        if (type != kernel::FileType::Regular || std::holds_alternative<ForeignFile>(meaning) || !pool.driver->uses(meaning))
            listing.foreign.push_back(name);
        else if (std::holds_alternative<TemporaryFile>(meaning))
            listing.temporaries.push_back(name);
        else if (volume != nullptr)
            add(listing.volumes[*volume], meaning);
    }
    return listing;
}

api::VolumeConfig config_of(const records::VmRecord& record, const base::VolumeName& volume) {
    const auto found = record.volumes.find(volume);
    return found == record.volumes.end() ? api::VolumeConfig{} : found->second;
}

std::vector<std::string> misfits(const Context& pool, const Names& names, const api::Kind& kind) {
    std::vector<std::string> found;
    for (const auto& entry : names.all)
        if (!pool.driver->fits(entry, kind)) found.push_back(file_name(entry));
    return found;
}

}  // namespace varve::images
