// SPDX-License-Identifier: LGPL-2.1-or-later
// Which pools there are, and the conversion of one; over a file system and a kernel in memory.
#include "fs/daemon/pool_keeper.h"
#include "tests/fakes/fake_block_access.h"
#include "tests/fakes/fake_device_mapper.h"
#include "tests/fakes/fake_keyring.h"
#include "tests/fakes/fake_loops.h"
#include "tests/fakes/memory_filesystem.h"
#include "tests/fakes/stepping_clock.h"

#include <gtest/gtest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

#include <cstdlib>
#include <filesystem>

namespace varve::daemon {
namespace {

using base::Errc;

// Real are the directories of the daemon's own records and of the pool's lock.
class PoolKeeperTest : public testing::Test {
protected:
    PoolKeeperTest() {
        std::filesystem::create_directories(pool_directory_);
        std::filesystem::create_directories(state_ / "pools");
        files_.set_reflinks(true);
    }
    ~PoolKeeperTest() override { std::filesystem::remove_all(top_); }

    [[nodiscard]] config::PoolConfig described_as(const std::string& driver) const {
        return config::pool_from_words({"work", driver, "dir_path=" + pool_directory_}).value();
    }
    // The daemon starts with what the configuration says now.
    void start() {
        keeper_.reset();
        catalogue_ = std::make_unique<engine::Catalogue>();
        keeper_ = std::make_unique<PoolKeeper>(*catalogue_, environment_, state_, "/varve",
                                               [this]() -> base::Result<config::Config> { return configuration_; });
        failures_ = keeper_->open_all(configuration_);
    }
    [[nodiscard]] std::string driver() const {
        const auto pool = catalogue_->find(name_);
        return pool ? pool->driver_name() : "(none)";
    }
    [[nodiscard]] api::Pool& pool() const { return catalogue_->find(name_)->driver(); }
    void add(const std::string& driver) { ASSERT_TRUE(keeper_->add({"work", driver, "dir_path=" + pool_directory_})); }
    static api::VolumeConfig origin() {
        api::VolumeConfig config;
        config.size = {8192};
        return config;
    }
    void expect_refused(Errc code, const std::string& why) {
        const auto converted = keeper_->convert("work");
        ASSERT_FALSE(converted);
        EXPECT_EQ(converted.error().code, code);
        EXPECT_NE(converted.error().message().find(why), std::string::npos) << converted.error().message();
    }

    static std::filesystem::path new_directory() {
        std::string name = (std::filesystem::temp_directory_path() / "varve-keeper-XXXXXX").string();
        return ::mkdtemp(name.data()) != nullptr ? name : "";
    }

    std::filesystem::path top_ = new_directory();
    std::filesystem::path state_ = top_ / "state";
    std::string pool_directory_ = top_ / "pool";
    base::PoolName name_ = base::PoolName::parse("work").value();
    base::VolumePath root_{base::VmName::parse("fedora").value(), base::VolumeName::parse("root").value()};
    fakes::SteppingClock clock_{base::Timestamp{1'700'000'000, 0}};
    fakes::MemoryFileSystem files_{pool_directory_, clock_};
    fakes::FakeBlockDevices devices_;
    fakes::FakeDeviceMapper mapper_{devices_, files_.faults()};
    fakes::FakeLoops loops_{devices_, files_, files_.faults()};
    fakes::FakeKeys keys_;
    fakes::FakeKeyring keyring_{keys_, files_.faults()};
    fakes::FakeBlockAccess blocks_{devices_, [](const std::string&) { return base::UniqueFd(); }, files_.faults()};
    api::StateIds ids_;
    spdlog::logger log_{"keeper", std::make_shared<spdlog::sinks::null_sink_mt>()};
    registry::Environment environment_{files_, mapper_, loops_, keyring_, blocks_, ids_, clock_, log_, kernel::BootId{"boot"}};
    config::Config configuration_;
    std::unique_ptr<engine::Catalogue> catalogue_;
    std::unique_ptr<PoolKeeper> keeper_;
    std::vector<base::Error> failures_;
};

TEST_F(PoolKeeperTest, AReloadChangesWhatOpenPoolsKeep) {
    configuration_.pools = {described_as("file")};
    start();
    EXPECT_TRUE(failures_.empty());
    auto& described = configuration_.pools.front();
    described.schedule = api::Schedule::parse("7d").value();
    described.prune_below = base::Percent{10};
    described.settings.revisions_to_keep = api::RevisionsToKeep::from(5).value();
    ASSERT_TRUE(keeper_->reload());
    const auto open = catalogue_->find(name_);
    EXPECT_EQ(open->schedule().str(), "7d");
    EXPECT_TRUE(open->prune_below());
    EXPECT_EQ(open->revisions_to_keep().count(), 5);
    described.settings.revisions_to_keep = api::RevisionsToKeep::from(-1).value();
    ASSERT_TRUE(keeper_->reload());
    EXPECT_EQ(open->revisions_to_keep().count(), 5) << "a snapshot layer does not go while the pool is open";
    EXPECT_EQ(catalogue_->find(name_), open);
}

TEST_F(PoolKeeperTest, AConvertedPoolStaysOne) {
    start();
    add("file");
    ASSERT_EQ(driver(), "file");
    const auto converted = keeper_->convert("work");
    EXPECT_TRUE(converted) << converted.error().message();
    EXPECT_EQ(driver(), "file-reflink");
    expect_refused(Errc::InvalidArgument, "file-reflink already");
    start();
    EXPECT_EQ(driver(), "file-reflink");
}

TEST_F(PoolKeeperTest, TheConfigurationIsAskedFirst) {
    configuration_.pools = {described_as("file")};
    start();
    expect_refused(Errc::InvalidArgument, "described in the configuration");
    EXPECT_EQ(driver(), "file");
    configuration_.pools = {described_as("file-reflink")};
    EXPECT_TRUE(keeper_->convert("work"));
    EXPECT_EQ(driver(), "file-reflink");
    EXPECT_FALSE(std::filesystem::exists(state_ / "pools" / "work.toml"));
}

TEST_F(PoolKeeperTest, WhatWasNotConvertedIsNotOpenedAsFileReflink) {
    configuration_.pools = {described_as("file")};
    start();
    ASSERT_TRUE(pool().create_vm(root_.vm, {}));
    const auto made = pool().execute(root_, nullptr, api::Create{origin()});
    ASSERT_TRUE(made);
    const auto started = pool().execute(root_, &**made, api::Start{});
    ASSERT_TRUE(started);
    configuration_.pools = {described_as("file-reflink")};
    start();
    EXPECT_EQ(driver(), "(none)");
    ASSERT_EQ(failures_.size(), 1U);
    EXPECT_NE(failures_.front().message().find("varve pool convert"), std::string::npos) << failures_.front().message();
    expect_refused(Errc::Busy, "fedora/root is");
}

TEST_F(PoolKeeperTest, APoolThatIsNotOpenIsConvertedAndOpened) {
    configuration_.pools = {described_as("file")};
    start();
    configuration_.pools = {described_as("file-reflink")};
    ASSERT_TRUE(keeper_->remove("work"));
    const auto converted = keeper_->convert("work");
    EXPECT_TRUE(converted) << converted.error().message();
    EXPECT_EQ(driver(), "file-reflink");
}

TEST_F(PoolKeeperTest, AStartedVolumeIsInTheWay) {
    start();
    add("file");
    ASSERT_TRUE(pool().create_vm(root_.vm, {}));
    const auto made = pool().execute(root_, nullptr, api::Create{origin()});
    ASSERT_TRUE(made);
    ASSERT_TRUE(pool().execute(root_, &**made, api::Start{}));
    start();
    expect_refused(Errc::Busy, "fedora/root is started");
    EXPECT_EQ(driver(), "file") << "and is as it was";
}

TEST_F(PoolKeeperTest, WithoutReflinksThePoolStaysWhatItIs) {
    files_.set_reflinks(false);
    start();
    add("file");
    expect_refused(Errc::Unsupported, "cannot share data");
    EXPECT_EQ(driver(), "file");
    start();
    EXPECT_EQ(driver(), "file");
}

TEST_F(PoolKeeperTest, OtherPoolsAreRefused) {
    start();
    expect_refused(Errc::NotFound, "there is no pool work");
    ASSERT_TRUE(keeper_->add({"work", "sim"}));
    expect_refused(Errc::InvalidArgument, "only a pool of the driver file");
    EXPECT_EQ(driver(), "sim");
}

}  // namespace
}  // namespace varve::daemon
