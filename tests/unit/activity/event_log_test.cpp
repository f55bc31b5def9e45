// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/activity/event_log.h"

#include "tests/unit/activity/activity_world.h"

#include <algorithm>

namespace varve::activity {
namespace {

// Room for some lines, whose lengths are between 90 and 130.
constexpr std::size_t small = 1000;
constexpr std::size_t everything = 1 << 20;

class EventLogTest : public ActivityTest {
protected:
    EventLogTest() { tell(log_); }

    // All that is there, from the beginning, in pieces of `most` bytes.
    struct Reading {
        std::string text;
        std::uint64_t missed = 0;
    };
    [[nodiscard]] Reading read_all(std::size_t most = everything) const {
        Reading reading;
        std::uint64_t place = 0;
        std::uint64_t line = 0;
        while (true) {
            const auto piece = log_.read(place, line, most);
            if (piece.text.empty()) return reading;
            reading.text += piece.text;
            reading.missed += piece.missed;
            place = piece.next;
            line = piece.next_line;
        }
    }

    EventLog log_{small};
};

TEST_F(EventLogTest, GrowsByALineForEachOperation) {
    EXPECT_EQ(log_.end(), 0U);
    do_("start");
    const auto one = log_.end();
    do_("stop");
    const auto all = read_all();
    EXPECT_EQ(all.text.size(), log_.end());
    EXPECT_NE(all.text.substr(0, one).find(R"("operation":"start")"), std::string::npos);
    EXPECT_NE(all.text.substr(one).find(R"("operation":"stop")"), std::string::npos);
    EXPECT_EQ(all.missed, 0U);
}

TEST_F(EventLogTest, PiecesOfAnySizeMakeTheSameText) {
    for (const auto* verb : {"start", "stop", "revert"}) do_(verb);
    const auto whole = read_all().text;
    for (const std::size_t most : {1U, 2U, 7U, 100U, 1000U}) EXPECT_EQ(read_all(most).text, whole) << most;
}

TEST_F(EventLogTest, TheOldestLinesGoAndAreCounted) {
    for (int i = 0; i < 100; ++i) do_("start");
    const auto kept = read_all();
    EXPECT_LE(kept.text.size(), small);
    const auto lines = static_cast<std::uint64_t>(std::ranges::count(kept.text, '\n'));
    EXPECT_GT(lines, 3U);
    EXPECT_EQ(kept.missed + lines, 100U);
    EXPECT_TRUE(kept.text.starts_with("{")) << "it begins in the middle of a line";
    EXPECT_NE(kept.text.find(R"({"number":100,)"), std::string::npos);
}

TEST_F(EventLogTest, AReaderInTheMiddleHearsWhatItMissed) {
    do_("start");
    const auto first = log_.read(0, 0, everything);
    for (int i = 0; i < 50; ++i) do_("stop");
    const auto rest = log_.read(first.next, first.next_line, everything);
    EXPECT_EQ(rest.missed + static_cast<std::uint64_t>(std::ranges::count(rest.text, '\n')), 50U);
}

TEST_F(EventLogTest, ALineTooLongForTheLogIsKeptAlone) {
    EventLog tiny(1);
    tell(tiny);
    do_("start");
    do_("stop");
    const auto piece = tiny.read(0, 0, everything);
    EXPECT_EQ(piece.missed, 1U);
    EXPECT_NE(piece.text.find("stop"), std::string::npos);
}

TEST_F(EventLogTest, AWaiterIsCalledOnce) {
    int calls = 0;
    log_.when_beyond(0, [&] { ++calls; });
    EXPECT_EQ(calls, 0);
    do_("start");
    do_("stop");
    EXPECT_EQ(calls, 1);
    log_.when_beyond(0, [&] { ++calls; });
    EXPECT_EQ(calls, 2) << "there is something already";
    const auto forgotten = log_.when_beyond(log_.end(), [&] { ++calls; });
    log_.forget(forgotten);
    log_.when_beyond(log_.end(), [&] { ++calls; });
    log_.forget_all();
    do_("start");
    EXPECT_EQ(calls, 2);
}

TEST_F(EventLogTest, AWaiterMayReadTheLog) {
    std::uint64_t seen = 0;
    log_.when_beyond(0, [&] { seen = log_.end(); });
    do_("start");
    EXPECT_EQ(seen, log_.end());
}

}  // namespace
}  // namespace varve::activity
