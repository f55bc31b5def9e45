// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/images/load_revisions.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace varve::images {
namespace {

using base::Result;

using InodeNumber = std::optional<std::uint64_t>;

Result<InodeNumber> inode_of_committed(const VolumeFiles& files, const Names& names) {
    if (!names.committed) return InodeNumber();
    return InodeNumber(TRY(files.pool().files.status(files.directory(), files.committed())).inode);
}

// nullopt: it is the committed image itself.
Result<std::optional<api::Revision>> load_timed(VolumeFiles& files, const TimedFile& file, bool second_of_its_second, InodeNumber committed,
                                                const KnownStates& known) {
    const auto name = file_name(file);
    const auto open = TRY(files.open(name));
    if (committed && TRY(files.pool().files.status(open.get())).inode == *committed) {
        (void)TRY(files.remove(name));
        return std::optional<api::Revision>();
    }
    auto state = TRY(known.observe(files, open.get()));
    Marks marks(files.pool().files, open.get());
    bool numbered = file.number != 0 && TRY(marks.numbered());
    if (!numbered && second_of_its_second) {
        numbered = true;
        TRY(marks.set_numbered(true));  // so that the name stays when the first of this second goes
    }
    const base::TimedName id{file.seconds, numbered ? std::optional(file.number) : std::nullopt};
    const auto replaced = TRY(marks.replaced());
    return std::optional(api::Revision{id, file.number, std::move(state), replaced});
}

}  // namespace

Result<api::Revisions> load_revisions(VolumeFiles& files, const Names& names, const KnownStates& known) {
    const auto committed = TRY(inode_of_committed(files, names));
    std::vector<api::Revision> revisions;
    auto timed = names.timed;
    std::ranges::sort(timed, {}, [](const TimedFile& file) { return std::pair(file.seconds, file.number); });
    const TimedFile* previous = nullptr;
    for (const auto& file : timed) {
        const bool second_of_its_second = previous != nullptr && previous->seconds == file.seconds;
        auto revision = TRY(load_timed(files, file, second_of_its_second, committed, known));
        if (!revision) continue;
        revisions.push_back(std::move(*revision));
        previous = &file;
    }
    for (const auto& pin : names.pins) {
        const auto open = TRY(files.open(file_name(pin)));
        auto state = TRY(known.observe(files, open.get()));
        revisions.push_back({pin.label, 0, std::move(state), {}});
    }
    return api::Revisions(std::move(revisions));
}

}  // namespace varve::images
