// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/retention_job.h"

#include "tests/unit/engine/world.h"

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
    engine::RetentionJob job_{catalogue_, volumes_, *spdlog::default_logger()};
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

}  // namespace
}  // namespace varve::engine_test
