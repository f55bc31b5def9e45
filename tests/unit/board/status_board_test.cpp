// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/board/status_board.h"

#include "orchestrator/board_reader/board_reader.h"
#include "tests/support/manual_clock.h"
#include "tests/unit/board/board_directory.h"

#include <algorithm>
#include <list>
#include <memory>

namespace varve::board_test {
namespace {

class StatusBoards : public BoardDirectory {
protected:
    [[nodiscard]] auto begin(std::string_view verb, const std::string& vm = "work", std::optional<std::string> to = {}) {
        return operations_.begin(verb, base::PoolName::parse("p").value(), base::VmName::parse(vm).value(),
                                 base::VolumeName::parse("root").value(), std::move(to));
    }
    [[nodiscard]] board_reader::BoardSnapshot seen() const { return look().value(); }

    board::BoardFile file_{published()};
    board::StatusBoard board_{file_.board()};
    test_support::ManualClock clock_{{1'600'000'000, 500}};
    engine::Operations operations_{clock_, {&board_}};
};

TEST_F(StatusBoards, OperationsAreThereWhileTheyRun) {
    EXPECT_TRUE(seen().operations.empty());
    auto first = begin("start");
    auto second = begin("rename", "work", "other/root");
    const auto during = seen();
    ASSERT_EQ(during.operations.size(), 2U);
    EXPECT_EQ(during.totals.running, 2U);
    EXPECT_EQ(during.operations[0].number, 1U);
    EXPECT_EQ(during.operations[0].verb.text(), "start");
    EXPECT_EQ(during.operations[0].subject.text(), "p/work/root");
    EXPECT_EQ(during.operations[0].begun_seconds, 1'600'000'000);
    EXPECT_EQ(during.operations[0].begun_nanoseconds, 500U);
    EXPECT_EQ(during.operations[1].to.text(), "other/root");
    first->done();
    ASSERT_EQ(seen().operations.size(), 1U);
    EXPECT_EQ(seen().operations[0].number, 2U);
    second->failed({base::Errc::Busy, {}, "no"});
    EXPECT_TRUE(seen().operations.empty());
    EXPECT_EQ(seen().totals, (protocol::BoardTotals{0, 1, 1, 2}));
}

TEST_F(StatusBoards, VerbsAreCounted) {
    begin("start")->done();
    begin("start")->failed({base::Errc::Busy, {}, "no"});
    begin("stop")->done();
    const auto verbs = seen().verbs;
    ASSERT_EQ(verbs.size(), 2U);
    EXPECT_EQ(verbs[0].verb.text(), "start");
    EXPECT_EQ(verbs[0].done, 1U);
    EXPECT_EQ(verbs[0].failed, 1U);
    EXPECT_GT(verbs[0].nanoseconds, 0U);
    EXPECT_EQ(verbs[1].verb.text(), "stop");
}

TEST_F(StatusBoards, WhatHasNoRoomIsCounted) {
    std::vector<std::unique_ptr<engine::Operations::Running>> running;
    for (std::size_t i = 0; i < protocol::board_operations + 3; ++i) running.push_back(begin("start"));
    EXPECT_EQ(seen().operations.size(), protocol::board_operations);
    EXPECT_EQ(seen().more_operations(), 3U);
    running.clear();
    EXPECT_EQ(seen().totals.running, 0U);
    EXPECT_EQ(seen().more_operations(), 0U);

    std::list<std::string> words;  // which outlive the operations, and stay where they are
    for (std::size_t i = 0; i < protocol::board_verbs + 2; ++i) begin(words.emplace_back("verb" + std::to_string(i)))->done();
    begin(words.back())->done();
    EXPECT_EQ(seen().verbs.size(), protocol::board_verbs);
    EXPECT_EQ(seen().more_verbs(), 3U);  // "start" has a slot of them
}

TEST_F(StatusBoards, WhatDegradedAVolumeIsRememberedUntilItWorks) {
    begin("stop")->failed({base::Errc::Busy, {}, "it is busy"});
    EXPECT_TRUE(board_.troubles().empty());
    begin("stop")->failed({base::Errc::Degraded, {}, "it could not be undone"});
    EXPECT_EQ(board_.troubles(), (board::Troubles{{"p/work/root", "it could not be undone"}}));
    begin("start")->failed({base::Errc::Busy, {}, "it is busy"});
    EXPECT_EQ(board_.troubles().size(), 1U);
    begin("start", "other")->done();
    EXPECT_EQ(board_.troubles().size(), 1U);
    begin("start")->done();
    EXPECT_TRUE(board_.troubles().empty());
}

TEST_F(StatusBoards, WhatWasGatheredReplacesWhatWas) {
    activity::Traffic traffic;
    traffic.add_read(10);
    traffic.add_written(20);
    board::Gathered gathered;
    gathered.pools.resize(2);
    gathered.pools[0].name = "a";
    gathered.pools[1].name = "b";
    gathered.volumes.resize(1);
    gathered.volumes[0].name = "a/vm/root";
    gathered.all_pools = 2;
    gathered.all_volumes = 7;
    board_.show(gathered, traffic, {1'600'000'123, 4});
    auto now = seen();
    ASSERT_EQ(now.pools.size(), 2U);
    EXPECT_EQ(now.pools[1].name.text(), "b");
    EXPECT_EQ(now.more_pools(), 0U);
    ASSERT_EQ(now.volumes.size(), 1U);
    EXPECT_EQ(now.more_volumes(), 6U);
    EXPECT_EQ(now.gathered, (protocol::BoardGathered{1'600'000'123, 4, 2, 7, 10, 20}));
    board_.show({}, traffic, {1'600'000'124, 0});
    now = seen();
    EXPECT_TRUE(now.pools.empty());
    EXPECT_TRUE(now.volumes.empty());
    EXPECT_EQ(now.more_volumes(), 0U);
}

}  // namespace
}  // namespace varve::board_test
