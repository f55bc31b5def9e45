// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/api/retention.h"

#include <algorithm>
#include <array>
#include <limits>

namespace varve::api {

namespace {

constexpr std::array all_reasons{Reason::Label, Reason::Source, Reason::Newest, Reason::Hour, Reason::Day,
                                 Reason::Week,  Reason::Month,  Reason::Year,   Reason::Grace};

Reason reason_of(Period period) { return static_cast<Reason>(static_cast<unsigned>(Reason::Hour) + static_cast<unsigned>(period)); }

// Gets unpinned revisions, newest first.
class Choice {
public:
    explicit Choice(const Retention& retention) : newest_left_(retention.keep.limit()) {
        for (const auto period : all_periods) lines_[static_cast<std::size_t>(period)].left = retention.schedule.count(period);
    }

    void choose(std::int64_t seconds, Reasons& reasons) {
        if (newest_left_ != 0) {
            --newest_left_;
            reasons.add(Reason::Newest);
        }
        for (const auto period : all_periods) {
            auto& line = lines_[static_cast<std::size_t>(period)];
            if (line.left == 0) continue;
            const auto present = period_of(period, seconds);
            if (present == line.last) continue;
            line.last = present;
            --line.left;
            reasons.add(reason_of(period));
        }
    }

private:
    struct Line {
        std::uint32_t left = 0;
        std::int64_t last = std::numeric_limits<std::int64_t>::max();
    };
    std::size_t newest_left_;
    std::array<Line, all_periods.size()> lines_;
};

}  // namespace

std::string_view reason_name(Reason reason) {
    switch (reason) {
        case Reason::Label: return "label";
        case Reason::Source: return "source";
        case Reason::Newest: return "newest";
        case Reason::Grace: return "grace";
        default: return period_name(static_cast<Period>(static_cast<unsigned>(reason) - static_cast<unsigned>(Reason::Hour)));
    }
}

bool Reasons::only_scheduled() const { return !none() && !pinned() && !has(Reason::Newest) && !has(Reason::Grace); }

std::vector<std::string_view> Reasons::names() const {
    std::vector<std::string_view> names;
    for (const auto reason : all_reasons)
        if (has(reason)) names.push_back(reason_name(reason));
    return names;
}

std::vector<Reasons> judge(const Revisions& revisions, const Retention& retention) {
    std::vector<const Revision*> all;
    all.reserve(revisions.size());
    for (const auto& revision : revisions) all.push_back(&revision);
    std::vector<Reasons> reasons(all.size());
    Choice choice(retention);
    for (auto at = all.size(); at-- != 0;) {
        const auto& revision = *all[at];
        const auto* timed = revision.id.timed();
        if (timed == nullptr) {
            reasons[at].add(Reason::Label);
        } else if (retention.sources.contains(revision.id)) {
            reasons[at].add(Reason::Source);
        } else {
            choice.choose(timed->seconds, reasons[at]);
            if (revision.replaced && revision.replaced->seconds + retention.grace_seconds > retention.now.seconds)
                reasons[at].add(Reason::Grace);
        }
    }
    return reasons;
}

std::vector<Revision> expired(const Revisions& revisions, const Retention& retention) {
    if (revisions.timed_count() <= retention.keep.limit()) return {};  // most stops: nothing need be looked at
    const auto reasons = judge(revisions, retention);
    std::vector<Revision> gone;
    auto reason = reasons.begin();
    for (const auto& revision : revisions)
        if ((reason++)->none()) gone.push_back(revision);
    return gone;
}

}  // namespace varve::api
