// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/callback/output_lines.h"

#include <gtest/gtest.h>

namespace varve::callback {
namespace {

using Lines = std::vector<std::string>;

TEST(OutputLinesTest, BlankLinesAreLeftOut) {
    EXPECT_EQ(printable_lines("one\n\n  \r\ntwo"), (Lines{"one", "two"}));
    EXPECT_EQ(printable_lines("\n\n"), Lines{});
    EXPECT_EQ(printable_lines(""), Lines{});
}

TEST(OutputLinesTest, NothingCanSteerATerminalOrForgeALine) {
    EXPECT_EQ(printable_lines(std::string("a\x1b[2Jb\0c\x7f\xc3\xa4", 11)), Lines{"a?[2Jb?c???"});
}

TEST(OutputLinesTest, LongOnesAreCutAndTheLastAreKept) {
    EXPECT_EQ(printable_lines(std::string(1000, 'x')).front(), std::string(longest_line, 'x') + "...");
    std::string many;
    for (int i = 0; i < 1000; ++i) many += std::to_string(i) + "\n";
    const auto lines = printable_lines(many);
    EXPECT_EQ(lines.size(), most_lines);
    EXPECT_EQ(lines.back(), "999");
}

}  // namespace
}  // namespace varve::callback
