// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/retention_job.h"

#include "tests/unit/engine/world.h"

#include <spdlog/sinks/ostream_sink.h>

#include <algorithm>
#include <sstream>

namespace varve::engine_test {
namespace {

constexpr std::int64_t day = 86400;
constexpr std::int64_t midnight = 1'600'041'600;  // of 2020-09-14

class RetentionJobTest : public World {
protected:
    explicit RetentionJobTest(std::optional<base::Bytes> size = {}) : World(quick(), size) { EXPECT_TRUE(catalogue_.add(pool_)); }

    // Its first state is older than all that follow.
    VolumeRef volume(std::string_view name) {
        auto made = origin("vm", name);
        EXPECT_TRUE(succeeded(volumes_.set_time(made, {}, {midnight - day, 0})));
        return made;
    }
    void configure(const VolumeRef& volume, long long keep, std::string_view schedule) {
        EXPECT_TRUE(succeeded(volumes_.configure(volume, [&](api::VolumeConfig config) -> Result<api::VolumeConfig> {
            config.revisions_to_keep = api::RevisionsToKeep::from(keep).value();
            config.schedule = api::Schedule::parse(schedule).value();
            return config;
        })));
    }
    void after_the_grace() { clock_.advance(25 * 3600); }

    engine::Catalogue catalogue_;
    std::ostringstream said_;
    spdlog::logger log_{"retention", std::make_shared<spdlog::sinks::ostream_sink_st>(said_)};
    engine::RetentionJob job_{catalogue_, volumes_, log_};
};

TEST_F(RetentionJobTest, PrunesWhatHasAScheduleAndNothingElse) {
    const auto root = volume("root");
    const auto other = volume("other");
    configure(root, 0, "2d");
    for (std::int64_t seconds = midnight; seconds <= midnight + 2 * day; seconds += day / 2) {
        commit(root, "x", seconds);
        commit(other, "x", seconds);
    }
    const auto before = revisions(other);
    (void)heard_.take();
    job_.run();
    EXPECT_EQ(heard_.take(), std::vector<std::string>{}) << "all are younger than prune_grace";
    after_the_grace();
    job_.run();
    EXPECT_EQ(heard_.take(), std::vector<std::string>{"prune vm/root"});
    EXPECT_EQ(revisions(root), (std::vector<std::string>{"2020-09-14T12:00:00Z", "2020-09-15T12:00:00Z"}));
    EXPECT_EQ(revisions(other), before);
    job_.run();
    EXPECT_EQ(heard_.take(), std::vector<std::string>{}) << "nothing is due any more";
}

TEST_F(RetentionJobTest, ThePoolsScheduleHoldsForVolumesWithoutOne) {
    const auto root = volume("root");
    const auto none = volume("none");
    configure(none, 1, "none");
    pool_->set_schedule(api::Schedule::parse("1y").value());
    for (const std::int64_t second : {1, 2, 3, 4}) {
        commit(root, "x", midnight + second);
        commit(none, "x", midnight + second);
    }
    after_the_grace();
    job_.run();
    EXPECT_EQ(revisions(root), std::vector<std::string>{"2020-09-14T00:00:03Z"});
    EXPECT_EQ(revisions(none).size(), 4U);
}

TEST_F(RetentionJobTest, ABusyVolumeIsLeftForTheNextRun) {
    const auto root = volume("root");
    configure(root, 0, "1d");
    for (const std::int64_t second : {1, 2, 3}) commit(root, "x", midnight + second);
    after_the_grace();
    {
        const auto held =
            pool_->locks().acquire({engine::LockKey{root.vm->name(), root.volume}}, engine::Patience{std::chrono::milliseconds(0), {}});
        ASSERT_TRUE(succeeded(held));
        job_.run();
    }
    EXPECT_EQ(revisions(root).size(), 3U);
    job_.run();
    EXPECT_EQ(revisions(root).size(), 1U);
}

TEST_F(RetentionJobTest, WithoutASnapshotLayerNoScheduleHolds) {
    const auto root = volume("root");
    configure(root, -1, "1d");
    EXPECT_TRUE(volumes_.retention(root, *root.view()).schedule.empty());
}

// A pool that is short of space. Each state takes one page, but the first, which is empty.
class PruneBelowTest : public RetentionJobTest {
protected:
    PruneBelowTest() : RetentionJobTest(mebibytes(1)) {}

    // Its schedule keeps every hour.
    VolumeRef hourly(std::string_view name, long long keep = 0) {
        auto made = volume(name);
        configure(made, keep, "1000h");
        return made;
    }
    // The state that is replaced next has the time of this hour.
    void hour(const VolumeRef& volume, std::int64_t hour) { commit(volume, "x", midnight + hour * 3600); }
    [[nodiscard]] static std::string name_of_hour(std::int64_t hour) {
        return base::RevisionId::parse("2020-09-14T" + std::string(hour < 10 ? "0" : "") + std::to_string(hour) + ":00:00Z").value().str();
    }
    // As long as this many states more are there than should be.
    void lack(std::uint64_t states) { pool_->set_prune_below(pool_->driver().space().value().available + base::Bytes{states * page}); }
    [[nodiscard]] bool warned(std::string_view of) const { return said_.str().find(of) != std::string::npos; }

    static constexpr std::uint64_t page = 4096;
};

TEST_F(PruneBelowTest, TheOldestOfThePoolGoFirstUntilThereIsEnough) {
    const auto one = hourly("one");
    const auto two = hourly("two");
    for (std::int64_t at = 1; at <= 4; ++at) {
        hour(one, 2 * at);
        hour(two, 2 * at + 1);
    }
    after_the_grace();
    (void)heard_.take();
    job_.run();
    EXPECT_EQ(heard_.take(), std::vector<std::string>{}) << "without prune_below nothing goes";
    lack(3);
    job_.run();
    EXPECT_EQ(revisions(one), (std::vector<std::string>{name_of_hour(6)}));
    EXPECT_EQ(revisions(two), (std::vector<std::string>{name_of_hour(5), name_of_hour(7)}));
    EXPECT_FALSE(warned("still lacks")) << said_.str();
    (void)heard_.take();
    job_.run();
    EXPECT_EQ(heard_.take(), std::vector<std::string>{}) << "there is enough";
}

TEST_F(PruneBelowTest, AtMostSixteenGoInOneRun) {
    const auto root = hourly("root");
    for (std::int64_t at = 1; at <= 21; ++at) hour(root, at);
    after_the_grace();
    ASSERT_EQ(revisions(root).size(), 21U);
    lack(19);
    job_.run();
    EXPECT_EQ(revisions(root).size(), 5U);
    EXPECT_TRUE(warned("still lacks 16.0 KiB to prune_below")) << said_.str();
    EXPECT_FALSE(warned("nothing is left")) << said_.str();
    job_.run();
    EXPECT_EQ(revisions(root), std::vector<std::string>{name_of_hour(20)});
}

TEST_F(PruneBelowTest, WhatMoreThanAScheduleKeepsIsSpared) {
    const auto root = hourly("root", 2);
    for (std::int64_t at = 1; at <= 7; ++at) hour(root, at);
    ASSERT_TRUE(succeeded(volumes_.rename_revision(root, revision(name_of_hour(1)), label("good"))));
    (void)snapshot("vm", "child", root, revision(name_of_hour(2)));
    const auto plain = volume("plain");  // without a schedule
    configure(plain, 1, "none");
    hour(plain, 1);
    hour(plain, 2);
    after_the_grace();
    const auto fresh = hourly("fresh");
    hour(fresh, 1);
    const auto left = revisions(plain);
    lack(100);
    job_.run();
    auto kept = revisions(root);
    std::ranges::sort(kept);
    EXPECT_EQ(kept, (std::vector<std::string>{name_of_hour(2), name_of_hour(5), name_of_hour(6), "good"}));
    EXPECT_EQ(revisions(plain), left);
    EXPECT_EQ(revisions(fresh).size(), 1U) << "younger than prune_grace";
    EXPECT_TRUE(warned("pool p still lacks")) << said_.str();
    EXPECT_TRUE(warned("nothing is left that only a schedule keeps")) << said_.str();
}

TEST_F(PruneBelowTest, WhatABusyVolumeKeepsDoesNotStopTheOthers) {
    const auto busy = hourly("held");
    const auto other = hourly("other");
    for (const std::int64_t at : {1, 3}) {
        hour(busy, at);
        hour(other, at + 1);
    }
    after_the_grace();
    lack(2);
    {
        const auto held =
            pool_->locks().acquire({engine::LockKey{busy.vm->name(), busy.volume}}, engine::Patience{std::chrono::milliseconds(0), {}});
        ASSERT_TRUE(succeeded(held));
        job_.run();
    }
    EXPECT_EQ(revisions(busy).size(), 2U);
    EXPECT_EQ(revisions(other).size(), 0U);
    EXPECT_TRUE(warned("still lacks 4.0 KiB")) << said_.str();
    EXPECT_FALSE(warned("nothing is left")) << "the next run may remove it: " << said_.str();
    job_.run();
    EXPECT_EQ(revisions(busy).size(), 0U);
}

}  // namespace
}  // namespace varve::engine_test
