// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/start_preparer.h"

#include "tests/unit/engine/world.h"

namespace varve::engine_test {
namespace {

// A pool in memory whose preparation of starts the test looks at.
class PreparingPool final : public api::Pool {
public:
    PreparingPool(std::unique_ptr<api::Pool> pool, std::function<void()> before_lock) : pool_(std::move(pool)), before_lock_(std::move(before_lock)) {}

    Result<> prepare_start(const base::VolumePath&, const api::VolumeView&, const LockIfCurrent& lock_if_current) override {
        before_lock_();
        const auto current = lock_if_current();
        current ? ++prepared_ : ++given_up_;
        return {};
    }
    int prepared() const { return prepared_; }
    int given_up() const { return given_up_; }

    api::Capabilities capabilities() const override { return pool_->capabilities(); }
    Result<api::Space> space() const override { return pool_->space(); }
    std::vector<std::pair<std::string, std::string>> parameters() const override { return pool_->parameters(); }
    std::optional<std::filesystem::path> lock_directory() const override { return pool_->lock_directory(); }
    Result<> recover() override { return pool_->recover(); }
    Result<std::vector<base::VmName>> list_vms() const override { return pool_->list_vms(); }
    Result<api::VmView> load_vm(const base::VmName& vm) override { return pool_->load_vm(vm); }
    Result<> create_vm(const base::VmName& vm, const api::Ownership& owner) override { return pool_->create_vm(vm, owner); }
    Result<> remove_vm(const base::VmName& vm) override { return pool_->remove_vm(vm); }
    Result<> set_ownership(const base::VmName& vm, const api::Ownership& owner) override { return pool_->set_ownership(vm, owner); }
    Result<> rename_vm(const base::VmName& from, const base::VmName& to, const std::vector<base::VolumePath>& children) override {
        return pool_->rename_vm(from, to, children);
    }
    Result<std::optional<api::VolumeView>> load_volume(const base::VolumePath& volume, const api::VolumeView* known) override {
        return pool_->load_volume(volume, known);
    }
    Result<> rename_volume(const base::VolumePath& from, const base::VolumePath& to, const api::VolumeView& present,
                           const std::vector<base::VolumePath>& children) override {
        return pool_->rename_volume(from, to, present, children);
    }
    Result<base::UniqueFd> open_state(const base::VolumePath& volume, const api::VolumeView& view, const api::StateRef& state) const override {
        return pool_->open_state(volume, view, state);
    }
    Result<api::PrivateImage> create_image(const base::VmName& vm, std::optional<int> content) override { return pool_->create_image(vm, content); }
    Result<> clone_range(int from, base::Bytes from_offset, int to, base::Bytes to_offset, base::Bytes length) override {
        return pool_->clone_range(from, from_offset, to, to_offset, length);
    }
    Result<std::filesystem::path> device(const base::VolumePath& volume, const api::VolumeView& view) const override { return pool_->device(volume, view); }
    Result<base::Bytes> exclusive(const base::VolumePath& volume, const api::VolumeView& view, const api::StateRef& state) const override {
        return pool_->exclusive(volume, view, state);
    }
    Result<std::vector<api::Finding>> verify(const base::VmName& vm) const override { return pool_->verify(vm); }

private:
    Result<std::optional<api::VolumeView>> run(const base::VolumePath& volume, const api::VolumeView* present, const api::Command& command) override {
        return pool_->execute(volume, present, command);
    }

    std::unique_ptr<api::Pool> pool_;
    std::function<void()> before_lock_;
    std::atomic<int> prepared_ = 0;
    std::atomic<int> given_up_ = 0;
};

class StartPreparerTest : public World {
protected:
    // A pool `q` with one volume that is started and stopped once, so that its next start is prepared.
    const PreparingPool& stop_one(std::function<void(const VolumeRef&)> before_lock) {
        auto driver = std::make_unique<PreparingPool>(sim::open({}, ids_, clock_, kernel::BootId{"11111111-1111-1111-1111-111111111111"}),
                                                      [this, before_lock] { before_lock(*volume_); });
        const auto& watched = *driver;
        prepared_pool_ = engine::OpenPool::open({base::PoolName::parse("q").value(), "sim", api::RevisionsToKeep::standard(), {}}, std::move(driver)).value();
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

TEST_F(StartPreparerTest, GivesUpWhenTheVolumeHasChanged) {
    const auto& pool = stop_one([this](const VolumeRef& volume) { EXPECT_TRUE(succeeded(volumes_.clear(volume))); });
    EXPECT_EQ(pool.prepared(), 0);
    EXPECT_EQ(pool.given_up(), 1);
}

TEST_F(StartPreparerTest, GivesUpWhenTheVolumeIsStarted) {
    const auto& pool = stop_one([this](const VolumeRef& volume) { EXPECT_TRUE(succeeded(volumes_.start(volume))); });
    EXPECT_EQ(pool.given_up(), 1);
}

}  // namespace
}  // namespace varve::engine_test
