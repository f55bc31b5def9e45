// SPDX-License-Identifier: LGPL-2.1-or-later
// Which revisions pruning removes: one pure rule for all drivers.
#pragma once

#include "drivers/api/schedule.h"
#include "drivers/api/view.h"

#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

namespace varve::api {

struct Retention {
    RevisionsToKeep keep = RevisionsToKeep::standard();
    base::Timestamp now;                 // pruning's own time
    std::int64_t grace_seconds = 86400;  // prune_grace: states that the mount replaced less long ago are spared
    std::set<base::RevisionId> sources;  // revisions that snapshots are fixed to
    Schedule schedule{};                 // what is kept beside the newest `keep`
};

// Why a revision stays. Labels and sources are pins: never removed, not counted among the newest, and nothing of the schedule.
enum class Reason : std::uint8_t { Label, Source, Newest, Hour, Day, Week, Month, Year, Grace };

// "label", "source", "newest", "hour", ...
[[nodiscard]] std::string_view reason_name(Reason reason);

// A set of reasons.
class Reasons {
public:
    void add(Reason reason) { bits_ |= bit(reason); }
    [[nodiscard]] bool has(Reason reason) const { return (bits_ & bit(reason)) != 0; }
    [[nodiscard]] bool none() const { return bits_ == 0; }
    [[nodiscard]] bool pinned() const { return has(Reason::Label) || has(Reason::Source); }
    // Nothing but the schedule.
    [[nodiscard]] bool only_scheduled() const;
    [[nodiscard]] std::vector<std::string_view> names() const;

private:
    static constexpr std::uint32_t bit(Reason reason) { return 1U << static_cast<unsigned>(reason); }
    std::uint32_t bits_ = 0;
};

// For each revision why it stays; without a reason it goes. In the order of the list.
[[nodiscard]] std::vector<Reasons> judge(const Revisions& revisions, const Retention& retention);

// The revisions to remove, oldest state first.
[[nodiscard]] std::vector<Revision> expired(const Revisions& revisions, const Retention& retention);

}  // namespace varve::api
