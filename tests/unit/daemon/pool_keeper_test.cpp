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
    static config::PoolConfig sim(const std::string& name) { return config::pool_from_words({name, "sim"}).value(); }
    using Strings = std::vector<std::string>;
    [[nodiscard]] Strings open_pools() const {
        Strings names;
        for (const auto& pool : catalogue_->pools()) names.push_back(pool->name().str());
        return names;
    }
    // What a reload, which must succeed, told.
    Strings reloaded() {
        const auto done = keeper_->reload();
        if (!done) return {done.error().message()};
        Strings all;
        for (const auto& name : done->opened) all.push_back("opened " + name);
        for (const auto& name : done->closed) all.push_back("closed " + name);
        const auto add = [&](const std::string& what, const std::vector<control::Reloaded::Key>& keys) {
            for (const auto& [pool, key] : keys) all.push_back(what + (pool.empty() ? "" : " " + pool) + " " + key);
        };
        add("changed", done->changed);
        add("restart", done->needs_restart);
        return all;
    }
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
    EXPECT_EQ(reloaded(), Strings{}) << "nothing has changed";
    auto& described = configuration_.pools.front();
    described.schedule = api::Schedule::parse("7d").value();
    described.prune_below = base::Percent{10};
    described.settings.revisions_to_keep = api::RevisionsToKeep::from(5).value();
    EXPECT_EQ(reloaded(), (Strings{"changed work revisions_to_keep", "changed work schedule", "changed work prune_below"}));
    const auto open = catalogue_->find(name_);
    EXPECT_EQ(open->schedule().str(), "7d");
    EXPECT_TRUE(open->prune_below());
    EXPECT_EQ(open->revisions_to_keep().count(), 5);
    described.settings.revisions_to_keep = api::RevisionsToKeep::from(-1).value();
    EXPECT_EQ(reloaded(), Strings{"restart work revisions_to_keep"});
    EXPECT_EQ(open->revisions_to_keep().count(), 5) << "a snapshot layer does not go while the pool is open";
    EXPECT_EQ(catalogue_->find(name_), open);
}

TEST_F(PoolKeeperTest, AReloadTellsWhatItOpensAndCloses) {
    start();
    configuration_.pools = {sim("a"), sim("b")};
    EXPECT_EQ(reloaded(), (Strings{"opened a", "opened b"}));
    configuration_.pools = {sim("b"), sim("c")};
    EXPECT_EQ(reloaded(), (Strings{"opened c", "closed a"}));
    EXPECT_EQ(open_pools(), (Strings{"b", "c"}));
}

TEST_F(PoolKeeperTest, AReloadTellsWhatWaitsForARestart) {
    configuration_.pools = {described_as("file"), sim("a")};
    start();
    configuration_.min_free = base::Percent{7};
    configuration_.prune_grace = std::chrono::hours(1);
    configuration_.passthrough = false;
    auto& described = configuration_.pools.front();
    described.settings.driver = "file-reflink";
    described.settings.parameters = {{"dir_path", "/elsewhere"}, {"setup_check", "false"}};
    described.ownership = {1, 2, 0700};
    const Strings waiting{"restart min_free",    "restart prune_grace",   "restart passthrough",
                          "restart work driver", "restart work dir_path", "restart work setup_check",
                          "restart work owner",  "restart work group",    "restart work mode"};
    EXPECT_EQ(reloaded(), waiting);
    EXPECT_EQ(reloaded(), waiting) << "as long as it does";
    EXPECT_EQ(driver(), "file");
    EXPECT_EQ(catalogue_->find(name_)->ownership(), api::Ownership{});
}

TEST_F(PoolKeeperTest, AMistakeThatOnlyADriverKnowsChangesNothing) {
    configuration_.pools = {sim("a")};
    start();
    auto wrong = sim("c");
    wrong.settings.parameters = {{"size", "much"}};
    auto unknown = sim("d");
    unknown.settings.driver = "nodriver";
    auto changed = sim("a");
    changed.settings.parameters = {{"colour", "red"}};
    changed.schedule = api::Schedule::parse("7d").value();
    configuration_.pools = {changed, sim("b"), wrong, unknown};
    const auto refused = keeper_->reload();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::InvalidArgument);
    for (const auto* part :
         {"nothing was changed", "pool a: the driver sim has no parameter colour", "pool c: size", "no driver 'nodriver'"})
        EXPECT_NE(refused.error().message().find(part), std::string::npos) << refused.error().message();
    EXPECT_EQ(open_pools(), Strings{"a"});
    EXPECT_TRUE(catalogue_->find(base::PoolName::parse("a").value())->schedule().empty());
}

TEST_F(PoolKeeperTest, APoolThatCannotBeOpenedLetsNothingChange) {
    configuration_.pools = {sim("a")};
    start();
    auto nowhere = config::pool_from_words({"c", "file", "dir_path=/nonexistent"}).value();
    auto changed = sim("a");
    changed.schedule = api::Schedule::parse("7d").value();
    configuration_.pools = {changed, sim("b"), nowhere};
    const auto refused = keeper_->reload();
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message().find("pool c cannot be opened"), std::string::npos) << refused.error().message();
    EXPECT_EQ(open_pools(), Strings{"a"});
    EXPECT_TRUE(catalogue_->find(base::PoolName::parse("a").value())->schedule().empty());
}

TEST_F(PoolKeeperTest, APoolThatWasNotOpenBeforeKeepsNothingElseFromBeingTakenOver) {
    const auto nowhere = config::pool_from_words({"c", "file", "dir_path=/nonexistent"}).value();
    configuration_.pools = {nowhere};
    start();
    ASSERT_EQ(failures_.size(), 1U);
    configuration_.pools = {nowhere, sim("b")};
    const auto partly = keeper_->reload();
    ASSERT_FALSE(partly);
    EXPECT_NE(partly.error().message().find("pool c cannot be opened"), std::string::npos) << partly.error().message();
    EXPECT_NE(partly.error().message().find("all else of the configuration is taken over"), std::string::npos);
    EXPECT_EQ(open_pools(), Strings{"b"});
}

TEST_F(PoolKeeperTest, APoolInUseStaysAndTheRestIsDone) {
    configuration_.pools = {described_as("file"), sim("a")};
    start();
    ASSERT_TRUE(pool().create_vm(root_.vm, {}));
    const auto made = pool().execute(root_, nullptr, api::Create{origin()});
    ASSERT_TRUE(made);
    ASSERT_TRUE(pool().execute(root_, &**made, api::Start{}));
    start();
    configuration_.pools = {sim("b")};
    const auto refused = keeper_->reload();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::Busy);
    for (const auto* part : {"pool work stays open", "all else of the configuration is taken over"})
        EXPECT_NE(refused.error().message().find(part), std::string::npos) << refused.error().message();
    EXPECT_EQ(open_pools(), (Strings{"b", "work"}));
    EXPECT_FALSE(keeper_->reload()) << "it is tried again";
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
