// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/api/view.h"

#include <algorithm>

namespace varve::api {

const Revision* VolumeView::find(const base::RevisionId& id) const {
    for (const auto& revision : revisions)
        if (revision.id == id) return &revision;
    if (const auto* timed = id.timed(); timed != nullptr && timed->number) return find_number(timed->seconds, *timed->number);
    return nullptr;
}

const Revision* VolumeView::find_number(std::int64_t seconds, std::uint64_t number) const {
    const auto found = std::ranges::find_if(revisions, [&](const Revision& revision) {
        const auto* timed = revision.id.timed();
        return timed != nullptr && timed->seconds == seconds && revision.number == number;
    });
    return found == revisions.end() ? nullptr : &*found;
}

}  // namespace varve::api
