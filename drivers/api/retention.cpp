// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/api/retention.h"

#include <algorithm>

namespace varve::api {

std::vector<Revision> expired(const Revisions& revisions, const Retention& retention) {
    const auto is_listed = [&](const base::RevisionId& source) { return source.timed() != nullptr && revisions.lists(source); };
    const auto fixed = static_cast<std::size_t>(std::ranges::count_if(retention.sources, is_listed));
    const auto unpinned = revisions.timed_count() - fixed;
    const auto limit = retention.keep.limit();
    auto surplus = unpinned > limit ? unpinned - limit : 0;
    std::vector<Revision> gone;
    for (auto at = revisions.begin(); surplus != 0; ++at) {
        if (at->id.timed() == nullptr || retention.sources.contains(at->id)) continue;
        --surplus;
        if (at->replaced && at->replaced->seconds + retention.grace_seconds > retention.now.seconds) continue;
        gone.push_back(*at);
    }
    return gone;
}

}  // namespace varve::api
