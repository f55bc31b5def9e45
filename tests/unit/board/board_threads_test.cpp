// SPDX-License-Identifier: LGPL-2.1-or-later
// Readers beside the writer. ThreadSanitizer watches.
#include "fs/board/refresher.h"
#include "orchestrator/board_reader/board_reader.h"
#include "tests/support/waiting.h"
#include "tests/unit/board/board_directory.h"
#include "tests/unit/engine/world.h"

#include <algorithm>
#include <atomic>
#include <thread>

namespace varve::board_test {
namespace {

using namespace std::chrono_literals;

using test_support::eventually;

TEST(BoardSlotThreads, AValueIsNeverAMixture) {
    protocol::BoardSlot<protocol::BoardTotals> slot;
    std::atomic<bool> stop = false;
    std::atomic<std::uint64_t> seen = 0;
    const auto read = [&] {
        std::uint64_t last = 0;
        while (!stop) {
            const auto value = slot.read(1000);
            if (!value) continue;
            ASSERT_TRUE(value->running == value->done && value->done == value->failed && value->failed == value->verbs);
            ASSERT_GE(value->running, last);
            last = value->running;
            seen = std::max(seen.load(), last);
        }
    };
    std::thread one(read);
    std::thread other(read);
    std::uint64_t number = 0;
    EXPECT_TRUE(eventually([&] {
        ++number;
        slot.write({number, number, number, number});
        return number > 10'000 && seen > 100;
    }));
    stop = true;
    one.join();
    other.join();
}

class BoardThreads : public BoardDirectory {
protected:
    board::BoardFile file_{published()};
    board::StatusBoard board_{file_.board()};
};

// Pools and volumes are of one look, when there is room between two.
TEST_F(BoardThreads, WhatIsGatheredTogetherIsReadTogether) {
    std::atomic<bool> stop = false;
    std::thread writer([&] {
        activity::Traffic traffic;
        for (std::uint64_t i = 1; !stop; ++i) {
            board::Gathered gathered;
            gathered.pools.resize(3);
            gathered.volumes.resize(3);
            for (auto& pool : gathered.pools) {
                pool.name = "p";
                pool.volumes = i;
            }
            for (auto& volume : gathered.volumes) {
                volume.name = "p/v/r";
                volume.size = i;
            }
            board_.show(gathered, traffic, {static_cast<std::int64_t>(i), 0});
            std::this_thread::sleep_for(5ms);  // a writer that pauses, as the real one does
        }
    });
    std::uint64_t looks = 0;
    std::uint64_t mixed = 0;
    EXPECT_TRUE(eventually([&] {
        const auto seen = look();
        EXPECT_TRUE(seen);
        if (!seen || seen->pools.size() != 3) return false;
        const auto first = seen->pools.front().volumes;
        const bool same = std::ranges::all_of(seen->pools, [&](const auto& pool) { return pool.volumes == first; }) &&
                          std::ranges::all_of(seen->volumes, [&](const auto& volume) { return volume.size == first; });
        if (!same) ++mixed;
        return ++looks == 200;
    }));
    stop = true;
    writer.join();
    EXPECT_LE(mixed, 5U) << "a machine under load may stop the writer in the middle of a look, but rarely";
}

TEST_F(BoardThreads, OperationsOfManyThreadsAreAllCounted) {
    const base::SystemClock clock;
    engine::Operations operations(clock, {&board_});
    constexpr int threads = 4;
    constexpr int each = 500;
    std::vector<std::thread> workers;
    workers.reserve(threads);
    for (int i = 0; i < threads; ++i)
        workers.emplace_back([&] {
            for (int k = 0; k < each; ++k)
                operations.begin("start", base::PoolName::parse("p").value(), base::VmName::parse("vm").value())->done();
        });
    EXPECT_TRUE(eventually([&] {
        const auto seen = look();
        EXPECT_TRUE(seen);
        for (const auto& operation : seen->operations) EXPECT_EQ(operation.subject.text(), "p/vm");
        return seen->totals.done == static_cast<std::uint64_t>(threads) * each;
    }));
    for (auto& worker : workers) worker.join();
    EXPECT_EQ(look()->totals.running, 0U);
    EXPECT_TRUE(look()->operations.empty());
}

class Refreshing : public engine_test::World {
protected:
    Refreshing() { EXPECT_TRUE(catalogue_.add(pool_)); }

    engine::Catalogue catalogue_;
    activity::Traffic traffic_;
    const base::SystemClock now_;
    std::unique_ptr<protocol::Board> memory_ = std::make_unique<protocol::Board>();
    board::StatusBoard board_{*memory_};
};

TEST_F(Refreshing, LooksAgainWhenAnOperationHasEnded) {
    heard_.pass_on_to(board_);
    const auto volume = origin("work", "root");
    // Alone it would not look again before an hour has passed.
    const board::Refresher refresher(board_, catalogue_, [] { return std::vector<base::PoolName>(); }, traffic_, now_, {1h, 1ms});
    ASSERT_TRUE(eventually([&] { return memory_->pools[0].read(1000).value_or(protocol::BoardPool{}).volumes == 1; }));
    ASSERT_TRUE(volumes_.start(volume));
    EXPECT_TRUE(eventually([&] { return memory_->volumes[0].read(1000).value_or(protocol::BoardVolume{}).state.text() == "started"; }));
}

TEST_F(Refreshing, LooksAgainByItself) {
    const board::Refresher refresher(board_, catalogue_, [] { return std::vector<base::PoolName>(); }, traffic_, now_, {1ms, 1ms});
    traffic_.add_read(7);
    EXPECT_TRUE(eventually([&] { return memory_->gathered.read(1000).value_or(protocol::BoardGathered{}).read == 7; }));
}

TEST_F(Refreshing, EndsAtOnceWhileItWaits) {
    const auto begun = std::chrono::steady_clock::now();
    {
        const board::Refresher refresher(board_, catalogue_, [] { return std::vector<base::PoolName>(); }, traffic_, now_, {1h, 1h});
    }
    EXPECT_LT(std::chrono::steady_clock::now() - begun, test_support::patience);
}

}  // namespace
}  // namespace varve::board_test
