// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/api/view.h"

#include <algorithm>

namespace varve::api {
namespace {

// By which drivers sort: a timed revision's own, as its name says it.
std::int64_t second_of(const Revision& revision) {
    const auto* timed = revision.id.timed();
    return timed != nullptr ? timed->seconds : revision.state.modified.seconds;
}

// The first that `wanted` holds for: among those of that second, else (times can be set) among all.
template <class Wanted>
const Revision* find_near(const std::vector<Revision>& revisions, std::int64_t second, Wanted wanted) {
    const auto first = std::ranges::lower_bound(revisions, second, {}, second_of);
    const auto last = std::ranges::upper_bound(revisions, second, {}, second_of);
    if (const auto found = std::find_if(first, last, wanted); found != last) return &*found;
    const auto found = std::ranges::find_if(revisions, wanted);
    return found == revisions.end() ? nullptr : &*found;
}

}  // namespace

const Revision* VolumeView::find(const base::RevisionId& id) const {
    const auto is_it = [&](const Revision& revision) { return revision.id == id; };
    const auto* timed = id.timed();
    if (timed == nullptr) {
        const auto found = std::ranges::find_if(revisions, is_it);
        return found == revisions.end() ? nullptr : &*found;
    }
    if (const auto* found = find_near(revisions, timed->seconds, is_it)) return found;
    return timed->number ? find_number(timed->seconds, *timed->number) : nullptr;
}

const Revision* VolumeView::find(const State& state) const {
    return find_near(revisions, state.modified.seconds, [&](const Revision& revision) { return revision.state.id == state.id; });
}

const Revision* VolumeView::find_number(std::int64_t seconds, std::uint64_t number) const {
    return find_near(revisions, seconds, [&](const Revision& revision) {
        const auto* timed = revision.id.timed();
        return timed != nullptr && timed->seconds == seconds && revision.number == number;
    });
}

}  // namespace varve::api
