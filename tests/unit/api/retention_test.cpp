// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/api/retention.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

namespace varve::api {
namespace {

Revision timed(std::int64_t seconds, std::optional<std::int64_t> replaced = {}) {
    Revision revision{base::TimedName{seconds, {}}, static_cast<std::uint64_t>(seconds), {}, {}};
    revision.state.modified = {seconds, 0};
    if (replaced) revision.replaced = base::Timestamp{*replaced, 0};
    return revision;
}

Revision labelled(std::string_view label, std::int64_t seconds) {
    Revision revision{base::Label::parse(label).value(), 0, {}, {}};
    revision.state.modified = {seconds, 0};
    return revision;
}

Retention keeping(long long count, std::int64_t now = 1'000'000, std::int64_t grace = 0) {
    return {RevisionsToKeep::from(count).value(), {now, 0}, grace, {}, {}};
}

std::vector<std::int64_t> seconds_of(const std::vector<Revision>& revisions) {
    std::vector<std::int64_t> all;
    for (const auto& revision : revisions) all.push_back(revision.state.modified.seconds);
    return all;
}

using Seconds = std::vector<std::int64_t>;

TEST(Expired, TheOldestBeyondTheLimit) {
    const Revisions four{timed(1), timed(2), timed(3), timed(4)};
    EXPECT_EQ(seconds_of(expired(four, keeping(0))), (Seconds{1, 2, 3, 4}));
    EXPECT_EQ(seconds_of(expired(four, keeping(1))), (Seconds{1, 2, 3}));
    EXPECT_EQ(seconds_of(expired(four, keeping(3))), Seconds{1});
    EXPECT_EQ(seconds_of(expired(four, keeping(4))), Seconds{});
    EXPECT_EQ(seconds_of(expired(four, keeping(1'000'000'000'000))), Seconds{});
    EXPECT_EQ(seconds_of(expired({}, keeping(0))), Seconds{});
}

TEST(Expired, WithoutASnapshotLayerNoneIsKept) { EXPECT_EQ(seconds_of(expired({timed(1), timed(2)}, keeping(-1))), (Seconds{1, 2})); }

TEST(Expired, LabelsArePinnedAndNotCounted) {
    const Revisions mixed{labelled("a", 1), timed(2), labelled("b", 3), timed(4)};
    EXPECT_EQ(seconds_of(expired(mixed, keeping(0))), (Seconds{2, 4}));
    EXPECT_EQ(seconds_of(expired(mixed, keeping(1))), Seconds{2});
}

TEST(Expired, SourcesArePinnedAndNotCounted) {
    auto retention = keeping(1);
    retention.sources.insert(base::TimedName{1, {}});
    EXPECT_EQ(seconds_of(expired({timed(1), timed(2), timed(3)}, retention)), Seconds{2});
}

TEST(Expired, TheGraceSparesWhatTheMountReplacedLately) {
    const Revisions three{timed(1, 500), timed(2, 901), timed(3)};
    EXPECT_EQ(seconds_of(expired(three, keeping(0, 1000, 100))), (Seconds{1, 3})) << "a stop's own has no grace";
    EXPECT_EQ(seconds_of(expired(three, keeping(0, 1001, 100))), (Seconds{1, 2, 3})) << "exactly the grace is over";
    EXPECT_EQ(seconds_of(expired(three, keeping(0, 10, 100))), Seconds{3}) << "a clock that went back spares them";
}

Retention scheduled(long long count, std::string_view schedule) {
    auto retention = keeping(count);
    retention.schedule = Schedule::parse(schedule).value();
    return retention;
}

constexpr std::int64_t hour = 3600;
constexpr std::int64_t day = 24 * hour;

TEST(ExpiredBySchedule, TheNewestOfEachPeriodStays) {
    const Revisions three_days{timed(day), timed(day + hour), timed(2 * day), timed(2 * day + 1), timed(3 * day)};
    EXPECT_EQ(seconds_of(expired(three_days, scheduled(0, "7d"))), (Seconds{day, 2 * day}));
    EXPECT_EQ(seconds_of(expired(three_days, scheduled(0, "2d"))), (Seconds{day, day + hour, 2 * day}));
    EXPECT_EQ(seconds_of(expired(three_days, scheduled(0, "1d"))), (Seconds{day, day + hour, 2 * day, 2 * day + 1}));
    EXPECT_EQ(seconds_of(expired(three_days, scheduled(0, "1y"))), (Seconds{day, day + hour, 2 * day, 2 * day + 1}));
}

TEST(ExpiredBySchedule, ItAddsToTheNewestAndToEachOther) {
    const Revisions list{timed(day), timed(2 * day), timed(2 * day + 1), timed(2 * day + 2)};
    EXPECT_EQ(seconds_of(expired(list, scheduled(2, "2d"))), Seconds{2 * day});
    EXPECT_EQ(seconds_of(expired(list, scheduled(3, "2d"))), Seconds{});
    EXPECT_EQ(seconds_of(expired(list, scheduled(0, "1h 2d"))), (Seconds{2 * day, 2 * day + 1}));
}

TEST(ExpiredBySchedule, PeriodsWithoutStatesDoNotCount) {
    const Revisions rarely{timed(day), timed(100 * day), timed(1000 * day)};
    EXPECT_EQ(seconds_of(expired(rarely, scheduled(0, "3d"))), Seconds{}) << "a volume at rest keeps what it has";
}

TEST(ExpiredBySchedule, PinsFillNoPeriod) {
    auto retention = scheduled(0, "1d");
    retention.sources.insert(base::TimedName{day + 2, {}});
    EXPECT_EQ(seconds_of(expired({timed(day), timed(day + 1), timed(day + 2), labelled("l", day + 3)}, retention)), Seconds{day});
}

TEST(Judge, TellsEveryReason) {
    auto retention = scheduled(1, "1h 2d 1w");
    retention.now = {10 * day, 0};
    retention.grace_seconds = 5 * day;
    retention.sources.insert(base::TimedName{2 * day, {}});
    const Revisions list{labelled("l", day), timed(2 * day), timed(3 * day), timed(4 * day, 6 * day), timed(5 * day), timed(5 * day + 1)};
    const auto reasons = judge(list, retention);
    ASSERT_EQ(reasons.size(), list.size());
    using Names = std::vector<std::string_view>;
    EXPECT_EQ(reasons[0].names(), Names{"label"});
    EXPECT_EQ(reasons[1].names(), Names{"source"});
    EXPECT_EQ(reasons[2].names(), Names{});
    EXPECT_EQ(reasons[3].names(), (Names{"day", "grace"}));
    EXPECT_EQ(reasons[4].names(), Names{});
    EXPECT_EQ(reasons[5].names(), (Names{"newest", "hour", "day", "week"}));
    EXPECT_TRUE(reasons[0].pinned());
    EXPECT_TRUE(reasons[1].pinned());
    EXPECT_FALSE(reasons[3].only_scheduled()) << "the grace keeps it, too";
    EXPECT_FALSE(reasons[2].only_scheduled());
    EXPECT_TRUE(judge({timed(1)}, scheduled(0, "1d"))[0].only_scheduled());
    EXPECT_TRUE(judge({timed(1)}, scheduled(0, "1m 1y"))[0].only_scheduled());
}

TEST(ExpiredBySchedule, PruningTwiceIsPruningOnceAndOftenIsNoLoss) {
    EXPECT_TRUE(rc::check("what survives a prune survives it again; a daily prune keeps what one at the end would", [] {
        const auto retention =
            scheduled(*rc::gen::inRange(0, 3), *rc::gen::element<std::string>("3h", "2d 1w", "1h 2d 2w 2m 1y", "4w", "none"));
        Revisions often;
        Revisions all;
        std::int64_t now = 0;
        for (const auto step : *rc::gen::container<std::vector<std::int64_t>>(30, rc::gen::inRange<std::int64_t>(1, 20 * day))) {
            now += step;
            all.insert(timed(now));
            often.insert(timed(now));
            for (const auto& gone : expired(often, retention)) often.erase(gone.id);
            RC_ASSERT(expired(often, retention).empty());
        }
        for (const auto& gone : expired(all, retention)) all.erase(gone.id);
        for (const auto& kept : all) RC_ASSERT(often.lists(kept.id));
    }));
}

TEST(Expired, NeverMoreThanTheLimitAsksForAndNeverAPin) {
    EXPECT_TRUE(rc::check("pins stay, the newest stay, the order stays", [] {
        std::vector<Revision> all;
        Retention retention = keeping(*rc::gen::inRange(-1, 6), 1000, *rc::gen::inRange<std::int64_t>(0, 2000));
        const auto count = *rc::gen::inRange(0, 12);
        for (int i = 1; i <= count; ++i) {
            switch (*rc::gen::inRange(0, 4)) {
                case 0: all.push_back(labelled("l" + std::to_string(i), i)); break;
                case 1: all.push_back(timed(i, *rc::gen::inRange<std::int64_t>(0, 1000))); break;
                case 2: retention.sources.insert(base::TimedName{i, {}}); [[fallthrough]];
                default: all.push_back(timed(i));
            }
        }
        const auto gone = expired(Revisions(all), retention);
        RC_ASSERT(std::ranges::is_sorted(seconds_of(gone)));
        std::size_t left = 0;
        for (const auto& revision : all) {
            const bool pinned = revision.id.label() != nullptr || retention.sources.contains(revision.id);
            const bool removed = std::ranges::find(gone, revision.id, &Revision::id) != gone.end();
            RC_ASSERT(!(pinned && removed));
            left += !pinned && !removed ? 1 : 0;
        }
        const auto unpinned = left + gone.size();
        RC_ASSERT(left >= std::min(unpinned, retention.keep.limit()));
    }));
}

}  // namespace
}  // namespace varve::api
