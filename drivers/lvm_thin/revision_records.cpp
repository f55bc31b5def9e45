// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/lvm_thin/revision_records.h"

#include <algorithm>
#include <limits>
#include <set>

namespace varve::lvm_thin {
namespace {

using base::Result;
using base::RevisionId;
using base::TimedName;

std::optional<LvUuid> find(const Records& records, const RecordId& volume, const RevisionId& id) {
    const auto matching = [&](auto&& matches) {
        const auto found = std::ranges::find_if(
            records.states, [&](const auto& each) { return each.second.volume == volume && each.second.revision && matches(each.second); });
        return found == records.states.end() ? std::nullopt : std::optional(found->first);
    };
    if (auto listed = matching([&](const StateRecord& state) { return *state.revision == id; })) return listed;
    const auto* timed = id.timed();
    if (timed == nullptr || !timed->number) return std::nullopt;
    return matching([&](const StateRecord& state) {
        return state.revision->timed() != nullptr && state.revision->timed()->seconds == timed->seconds && state.number == *timed->number;
    });
}

std::uint64_t next_number(const Records& records, const RecordId& volume) {
    std::set<std::uint64_t> taken;
    for (const auto& [lv, state] : records.states)
        if (state.volume == volume) taken.insert(state.number);
    const auto highest = taken.empty() ? 0 : *taken.rbegin();
    if (highest != std::numeric_limits<std::uint64_t>::max()) return highest + 1;
    std::uint64_t free = 1;  // somebody restored a revision with the last number there is
    while (taken.contains(free)) ++free;
    return free;
}

}  // namespace

std::int64_t nameable(std::int64_t seconds) { return base::parse_iso_utc(base::iso_utc(seconds)).value_or(seconds); }

Result<LvUuid> find_revision(const Records& records, const RecordId& volume, const base::VolumePath& path, const RevisionId& revision) {
    if (auto found = find(records, volume, revision)) return *std::move(found);
    return base::fail(base::Errc::NotFound, path.str() + " has no revision " + revision.str());
}

void keep_as_revision(Records& records, const LvUuid& committed, base::Timestamp now, std::optional<base::Timestamp> replaced) {
    auto& state = records.states.at(committed);
    state.number = next_number(records, state.volume);
    const auto seconds = nameable(state.modified.seconds);
    const RevisionId plain = TimedName{seconds, {}};
    state.revision = find(records, state.volume, plain) ? RevisionId(TimedName{seconds, state.number}) : plain;
    state.changed = now;
    state.replaced = replaced;
}

void name_restored(const Records& records, StateRecord& state, const RevisionId& id) {
    state.revision = id;
    const auto* timed = id.timed();
    if (timed == nullptr) return;
    state.number = timed->number ? *timed->number : next_number(records, state.volume);
    if (nameable(state.modified.seconds) != timed->seconds) state.modified = {timed->seconds, 0};
}

void prune_records(Records& records, const RecordId& volume, const api::Revisions& revisions, const api::Retention& retention) {
    for (const auto& gone : api::expired(revisions, retention))
        if (const auto lv = find(records, volume, gone.id)) {
            records.states.erase(*lv);
            records.garbage.insert(*lv);
        }
}

}  // namespace varve::lvm_thin
