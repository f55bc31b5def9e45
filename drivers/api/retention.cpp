// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/api/retention.h"

namespace varve::api {

std::vector<Revision> expired(const Revisions& revisions, const Retention& retention) {
    std::vector<const Revision*> unpinned;
    for (const auto& revision : revisions)
        if (revision.id.timed() != nullptr && !retention.sources.contains(revision.id)) unpinned.push_back(&revision);

    const auto limit = retention.keep.limit();
    const auto surplus = unpinned.size() > limit ? unpinned.size() - limit : 0;
    std::vector<Revision> gone;
    for (std::size_t i = 0; i < surplus; ++i) {
        const auto& replaced = unpinned[i]->replaced;
        if (replaced && replaced->seconds + retention.grace_seconds > retention.now.seconds) continue;
        gone.push_back(*unpinned[i]);
    }
    return gone;
}

}  // namespace varve::api
