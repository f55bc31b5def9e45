// SPDX-License-Identifier: LGPL-2.1-or-later
// What lies where: a change here is another layout, and needs another number.
#include "fs/protocol/board.h"
#include "fs/protocol/process_start.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstddef>
#include <memory>
#include <string>

namespace varve::protocol {
namespace {

TEST(BoardLayout, IsTheOneWithThisNumber) {
    EXPECT_EQ(board_layout, 1U);
    EXPECT_EQ(offsetof(BoardWriter, layout), 8U);
    EXPECT_EQ(offsetof(BoardWriter, size), 16U);
    EXPECT_EQ(offsetof(BoardWriter, boot_id), 32U);
    EXPECT_EQ(offsetof(BoardWriter, mountpoint), 128U);
    EXPECT_EQ(sizeof(BoardWriter), 4224U);
    EXPECT_EQ(offsetof(Board, ended), 4224U);
    EXPECT_EQ(offsetof(Board, gathering), 4232U);
    EXPECT_EQ(offsetof(Board, totals), 4240U);
    EXPECT_EQ(offsetof(Board, pools), 4336U);
    EXPECT_EQ(sizeof(BoardSlot<BoardPool>), 392U);
    EXPECT_EQ(sizeof(BoardSlot<BoardOperation>), 264U);
    EXPECT_EQ(sizeof(BoardSlot<BoardVerb>), 56U);
    EXPECT_EQ(sizeof(BoardSlot<BoardVolume>), 368U);
    EXPECT_EQ(sizeof(Board), 142320U);
}

TEST(BoardTexts, AreCutWithAMark) {
    EXPECT_EQ(BoardText<16>("started").text(), "started");
    EXPECT_EQ(BoardText<8>("1234567").text(), "1234567");
    EXPECT_EQ(BoardText<8>("12345678").text(), "1234...");
    EXPECT_TRUE(BoardText<8>("").empty());
}

TEST(BoardTexts, NeedNotEndForTheReader) {
    BoardText<8> text;
    text.bytes.fill('x');
    EXPECT_EQ(text.text(), "xxxxxxxx");
}

TEST(BoardSlots, GiveBackWhatWasWritten) {
    BoardSlot<BoardTotals> slot;
    EXPECT_EQ(slot.read(1), BoardTotals{});
    slot.write({1, 2, 3, 4});
    EXPECT_EQ(slot.read(1), (BoardTotals{1, 2, 3, 4}));
}

// As a writer leaves it that dies in the middle.
TEST(BoardSlots, AreNotReadWhileTheyAreWritten) {
    const auto slot = std::make_unique<BoardSlot<BoardTotals>>();
    slot->write({1, 2, 3, 4});
    auto& sequence = *reinterpret_cast<std::atomic<std::uint64_t>*>(slot.get());  // NOLINT: its first member
    sequence.store(sequence.load() + 1);
    EXPECT_FALSE(slot->read(100));
    slot->write({5, 6, 7, 8});  // whoever takes it over
    EXPECT_EQ(slot->read(1), (BoardTotals{5, 6, 7, 8}));
}

TEST(ProcessStarts, AreReadWhateverTheProgramIsCalled) {
    const std::string rest = " 1 1 1 0 -1 4194560 123 0 0 0 1 2 0 0 20 0 1 0 987654 1000 200 18446744073709551615";
    const auto plain = parse_process_start("12 (varvefs) S" + rest);
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->ticks, 987654U);
    EXPECT_FALSE(plain->dead);
    const auto odd = parse_process_start("12 (a) R 1 (b) ) Z" + rest);
    ASSERT_TRUE(odd);
    EXPECT_EQ(odd->ticks, 987654U);
    EXPECT_TRUE(odd->dead);
    for (const auto* none : {"", "12", "12 (x)", "12 (x) ", "12 (x) S 1 2 3", "12 (x) S 1 1 1 0 -1 4194560 123 0 0 0 1 2 0 0 20 0 1 0 x"})
        EXPECT_FALSE(parse_process_start(none)) << none;
}

TEST(ProcessStarts, OfThisProcessStays) {
    const auto first = process_start(::getpid());
    ASSERT_TRUE(first);
    EXPECT_GT(first->ticks, 0U);
    EXPECT_EQ(process_start(::getpid())->ticks, first->ticks);
    EXPECT_FALSE(process_start(0));
}

}  // namespace
}  // namespace varve::protocol
