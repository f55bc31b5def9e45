// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/linux_kernel/kernel_directory.h"

#include <algorithm>

namespace varve::linux_kernel {

using api::VolumeView;
using base::Errc;
using base::Result;

const Part* find_part(const base::VolumeName& volume) {
    const auto* const found = std::ranges::find(parts, volume.str(), &Part::volume);
    return found == parts.end() ? nullptr : found;
}

api::State state_of(const kernel::FileStatus& status, api::StateId id) {
    return {.id = id,
            .identity = {status.device, status.inode},
            .size = status.size,
            .allocated = status.allocated,
            .modified = status.modified,
            .changed = status.modified};
}

bool same_content(const api::State& one, const api::State& other) {
    return one.identity == other.identity && one.size == other.size && one.modified == other.modified;
}

Result<VolumeView> look_at(const kernel::FileSystem& files, int directory, const Part& part, const VolumeView* known, api::StateIds& ids) {
    const std::string file(part.file);
    VolumeView view;
    view.config.rw = false;
    view.plain_file = part.plain;
    const auto status = files.status(directory, file);
    if (!status && status.error().code != Errc::NotFound) return base::Failure(status.error());
    if (!status) {
        view.degraded = "there is no " + file;
        return view;
    }
    if (status->type != kernel::FileType::Regular) {
        view.degraded = file + (status->type == kernel::FileType::Symlink ? " is a symbolic link" : " is no regular file");
        return view;
    }
    view.config.created = status->modified;
    auto state = state_of(*status, {});
    const bool same = known != nullptr && known->committed && same_content(*known->committed, state);
    state.id = same ? known->committed->id : ids.next();
    view.committed = state;
    if (state.size.count == 0)
        view.degraded = file + " is empty";
    else if (!part.plain && !state.size.whole_sectors())
        view.degraded = file + " cannot be a disk: it has " + std::to_string(state.size.count) + " bytes, which is not a multiple of 512";
    return view;
}

Result<std::vector<std::string>> foreign_entries(const kernel::FileSystem& files, int directory) {
    std::vector<std::string> names;
    for (const auto& entry : TRY(files.list(directory)))
        if (std::ranges::find(parts, entry.name, &Part::file) == parts.end()) names.push_back(entry.name);
    std::ranges::sort(names);
    return names;
}

}  // namespace varve::linux_kernel
