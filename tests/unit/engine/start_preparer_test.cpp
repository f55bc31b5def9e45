// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/start_preparer.h"
#include "drivers/api/forwarding_pool.h"

#include "tests/unit/engine/world.h"

namespace varve::engine_test {
namespace {

// A pool in memory whose preparation of starts the test looks at.
class PreparingPool final : public api::ForwardingPool {
public:
    PreparingPool(std::unique_ptr<api::Pool> pool, std::function<void()> before_lock)
        : ForwardingPool(std::move(pool)), before_lock_(std::move(before_lock)) {}

    Result<> prepare_start(const base::VolumePath&, const api::VolumeView&, const LockIfCurrent& lock_if_current) override {
        before_lock_();
        const auto current = lock_if_current();
        current ? ++prepared_ : ++given_up_;
        return {};
    }
    int prepared() const { return prepared_; }
    int given_up() const { return given_up_; }

private:
    std::function<void()> before_lock_;
    std::atomic<int> prepared_ = 0;
    std::atomic<int> given_up_ = 0;
};

class StartPreparerTest : public World {
protected:
    // The preparer may begin before the stop that told it has let go of the volume.
    static engine::Settings patient() {
        auto settings = quick();
        settings.wait_busy = std::chrono::minutes(1);
        return settings;
    }
    StartPreparerTest() : World(patient()) {}

    // A pool `q` with one volume that is started and stopped once, so that its next start is prepared.
    const PreparingPool& stop_one(std::function<void(const VolumeRef&)> before_lock) {
        auto driver = std::make_unique<PreparingPool>(sim::open({}, ids_, clock_, kernel::BootId{"11111111-1111-1111-1111-111111111111"}),
                                                      [this, before_lock] { before_lock(*volume_); });
        const auto& watched = *driver;
        prepared_pool_ =
            engine::OpenPool::open({base::PoolName::parse("q").value(), "sim", api::RevisionsToKeep::standard(), {}}, std::move(driver))
                .value();
        volume_.emplace(VolumeRef{volumes_.make_vm(*prepared_pool_, vm_name("vm"), 0777).value(), volume_name("root")});
        api::VolumeConfig config;
        config.size = mebibytes(1);
        EXPECT_TRUE(succeeded(volumes_.create(*volume_, config)));
        EXPECT_TRUE(succeeded(volumes_.start(*volume_)));
        EXPECT_TRUE(succeeded(volumes_.stop(*volume_, api::Stop::Outcome::Commit)));
        EXPECT_TRUE(preparer_.idle(std::chrono::seconds(30)));
        return watched;
    }
    void TearDown() override {
        EXPECT_TRUE(preparer_.idle(std::chrono::seconds(30)));
        if (prepared_pool_) prepared_pool_->close();
        World::TearDown();
    }

    std::shared_ptr<engine::OpenPool> prepared_pool_;
    std::optional<VolumeRef> volume_;
};

TEST_F(StartPreparerTest, PreparesAStoppedVolume) {
    const auto& pool = stop_one([](const VolumeRef&) {});
    EXPECT_EQ(pool.prepared(), 1);
    EXPECT_EQ(pool.given_up(), 0);
}

TEST_F(StartPreparerTest, GivesUpWhenTheVolumeHasChangedAndBeginsAnew) {
    bool changed = false;
    const auto& pool = stop_one([this, &changed](const VolumeRef& volume) {
        if (std::exchange(changed, true)) return;
        EXPECT_TRUE(succeeded(volumes_.clear(volume)));
    });
    EXPECT_EQ(pool.given_up(), 1);
    EXPECT_EQ(pool.prepared(), 1);
}

TEST_F(StartPreparerTest, PreparesAgainWhenAStoppedVolumeIsReplaced) {
    const auto& pool = stop_one([](const VolumeRef&) {});
    ASSERT_TRUE(succeeded(volumes_.clear(*volume_)));
    EXPECT_TRUE(preparer_.idle(std::chrono::seconds(30)));
    EXPECT_EQ(pool.prepared(), 2);
    ASSERT_TRUE(succeeded(volumes_.revert(*volume_, volume_->view()->revisions.back().id, api::Revert::Revision::Move)));
    EXPECT_TRUE(preparer_.idle(std::chrono::seconds(30)));
    EXPECT_EQ(pool.prepared(), 3);
}

TEST_F(StartPreparerTest, DoesNotPrepareWhatWasNeverStarted) {
    const auto& pool = stop_one([](const VolumeRef&) {});
    const VolumeRef other{volume_->vm, volume_name("data")};
    api::VolumeConfig config;
    config.size = mebibytes(1);
    ASSERT_TRUE(succeeded(volumes_.create(other, config)));
    ASSERT_TRUE(succeeded(volumes_.clear(other)));
    EXPECT_TRUE(preparer_.idle(std::chrono::seconds(30)));
    EXPECT_EQ(pool.prepared(), 1);
}

TEST_F(StartPreparerTest, GivesUpWhenTheVolumeIsStarted) {
    const auto& pool = stop_one([this](const VolumeRef& volume) { EXPECT_TRUE(succeeded(volumes_.start(volume))); });
    EXPECT_EQ(pool.given_up(), 1);
}

}  // namespace
}  // namespace varve::engine_test
