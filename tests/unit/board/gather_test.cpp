// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/board/gather.h"

#include "fs/board/refresher.h"
#include "tests/unit/engine/world.h"

#include <algorithm>

namespace varve::board {
namespace {

using engine_test::mebibytes;
using engine_test::succeeded;

class Gathering : public engine_test::World {
protected:
    Gathering() { EXPECT_TRUE(catalogue_.add(pool_)); }

    [[nodiscard]] Gathered look() const { return gather(catalogue_, closed_, gather_spaces(catalogue_), troubles_); }
    [[nodiscard]] static std::vector<std::string> names(const Gathered& gathered) {
        std::vector<std::string> all;
        for (const auto& volume : gathered.volumes) all.push_back(std::string(volume.name.text()) + " " + std::string(volume.state.text()));
        return all;
    }

    engine::Catalogue catalogue_;
    std::vector<base::PoolName> closed_;
    Troubles troubles_;
};

using Names = std::vector<std::string>;

TEST_F(Gathering, PoolsWithTheirNumbers) {
    const auto started = origin("app", "root", mebibytes(3));
    const auto halted = origin("app", "data");
    commit(halted, "text", 1'600'000'001);
    commit(halted, "more", 1'600'000'002);
    ASSERT_TRUE(succeeded(volumes_.start(started)));
    const auto seen = look();
    ASSERT_EQ(seen.pools.size(), 1U);
    EXPECT_EQ(seen.all_pools, 1U);
    const auto& pool = seen.pools.front();
    EXPECT_EQ(pool.name.text(), pool_->name().str());
    EXPECT_EQ(pool.driver.text(), "sim");
    EXPECT_EQ(pool.open, 1U);
    EXPECT_TRUE(pool.trouble.empty()) << pool.trouble.text();
    EXPECT_EQ(pool.vms, 1U);
    EXPECT_EQ(pool.volumes, 2U);
    EXPECT_EQ(pool.started, 1U);
    EXPECT_EQ(pool.dirty, 0U);
    EXPECT_EQ(pool.revisions, halted.view()->revisions.size());
    const auto space = pool_->driver().space();
    ASSERT_TRUE(space);
    EXPECT_EQ(pool.size, space->size.count);
    EXPECT_EQ(names(seen), (Names{pool_->name().str() + "/app/root started"}));
    EXPECT_EQ(seen.volumes.front().size, mebibytes(3).count);
    EXPECT_EQ(seen.all_volumes, 1U);
}

TEST_F(Gathering, VolumesThatAreBeingWritten) {
    const auto volume = origin("app", "root");
    const auto transaction = open(volume);
    ASSERT_TRUE(succeeded(write(*transaction, "12345")));
    ASSERT_TRUE(succeeded(write(*transaction, "678", 1, 5)));
    const auto seen = look();
    EXPECT_EQ(names(seen), (Names{pool_->name().str() + "/app/root writing"}));
    EXPECT_EQ(seen.volumes.front().written, 8U);
    EXPECT_EQ(seen.pools.front().writing, 1U);
    ASSERT_TRUE(succeeded(transaction->flush(process(1))));
    ASSERT_TRUE(succeeded(transaction->released()));
    EXPECT_TRUE(look().volumes.empty());
}

TEST_F(Gathering, DirtyVolumesComeBeforeStartedOnes) {
    (void)origin("a", "root");
    ASSERT_TRUE(succeeded(volumes_.start(origin("b", "root"))));
    reboot();
    engine::Catalogue catalogue;
    ASSERT_TRUE(catalogue.add(pool_));
    ASSERT_TRUE(succeeded(volumes_.start({pool_->find(engine_test::vm_name("a")), engine_test::volume_name("root")})));
    const auto seen = gather(catalogue, {}, {}, {});
    EXPECT_EQ(names(seen), (Names{pool_->name().str() + "/b/root dirty", pool_->name().str() + "/a/root started"}));
    EXPECT_EQ(seen.pools.front().size, 0U) << "nobody has asked yet";
}

TEST_F(Gathering, DegradedVolumesEvenWhenTheyAreHalted) {
    (void)origin("app", "root");
    troubles_[pool_->name().str() + "/app/root"] = "an undo failed";
    troubles_[pool_->name().str() + "/gone/root"] = "it is no more";
    const auto seen = look();
    EXPECT_EQ(names(seen), (Names{pool_->name().str() + "/app/root halted"}));
    EXPECT_EQ(seen.volumes.front().trouble.text(), "an undo failed");
}

TEST_F(Gathering, PoolsThatShouldBeOpenComeFirst) {
    closed_ = {pool_->name(), base::PoolName::parse("zzz").value()};
    const auto seen = look();
    ASSERT_EQ(seen.pools.size(), 2U);
    EXPECT_EQ(seen.pools[0].name.text(), "zzz");
    EXPECT_EQ(seen.pools[0].open, 0U);
    EXPECT_FALSE(seen.pools[0].trouble.empty());
    EXPECT_EQ(seen.pools[1].open, 1U);
}

TEST_F(Gathering, MoreVolumesThanSlotsAreCountedAndUrgentOnesKept) {
    constexpr std::size_t many = protocol::board_volumes + 5;
    for (std::size_t i = 0; i < many; ++i) ASSERT_TRUE(succeeded(volumes_.start(volatile_volume("vm" + std::to_string(i), "tmp"))));
    const auto written = origin("zz", "root");
    const auto transaction = open(written);
    const auto seen = look();
    EXPECT_EQ(seen.all_volumes, many + 1);
    EXPECT_EQ(seen.volumes.size(), protocol::board_volumes);
    EXPECT_EQ(seen.volumes.front().name.text(), pool_->name().str() + "/zz/root");
    EXPECT_EQ(seen.pools.front().started, many);
    EXPECT_TRUE(succeeded(transaction->released()));
}

TEST(Paces, NeverTakeMoreThanTheirShare) {
    using namespace std::chrono_literals;
    const Pace pace{1s, 100ms};
    EXPECT_EQ(pace.wait(1us, false), 1s);
    EXPECT_EQ(pace.wait(1us, true), 100ms);
    EXPECT_EQ(pace.wait(10ms, false), 2s);
    EXPECT_EQ(pace.wait(10ms, true), 2s);
}

}  // namespace
}  // namespace varve::board
