// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/progress.h"
#include "orchestrator/cli/sheet.h"
#include "orchestrator/cli/table.h"
#include "orchestrator/cli/terminal_text.h"

#include <gtest/gtest.h>

#include <sstream>

namespace varve::cli {
namespace {

TEST(TerminalText, LetsTextThrough) {
    for (const std::string text : {"", "plain text", "\xc3\xbcml\xc3\xa4ut \xe2\x82\xac \xf0\x9f\x98\x80", "back\\slash"})
        EXPECT_EQ(printable(text), text);
}

TEST(TerminalText, EscapesWhatATerminalWouldObey) {
    EXPECT_EQ(printable("\x1b[2J\x07\n\t"), R"(\x1b[2J\x07\x0a\x09)");
    EXPECT_EQ(printable(std::string_view("\0\x7f", 2)), R"(\x00\x7f)");
    EXPECT_EQ(printable("\xc2\x9b"
                        "31m"),
              R"(\u{9b}31m)");
    EXPECT_EQ(printable("a\xe2\x80\xae"
                        "b\xe2\x81\xa6\xef\xbb\xbf"),
              R"(a\u{202e}b\u{2066}\u{feff})");
}

TEST(TerminalText, EscapesBytesThatAreNotUtf8) {
    EXPECT_EQ(printable("\xff\x80"), R"(\xff\x80)");
    EXPECT_EQ(printable("\xc0\xaf"), R"(\xc0\xaf)") << "overlong";
    EXPECT_EQ(printable("\xe0\x9f\xbf"), R"(\xe0\x9f\xbf)") << "overlong";
    EXPECT_EQ(printable("\xed\xa0\x80"), R"(\xed\xa0\x80)") << "surrogate";
    EXPECT_EQ(printable("\xf4\x90\x80\x80"), R"(\xf4\x90\x80\x80)") << "beyond Unicode";
    EXPECT_EQ(printable("\xe2\x82"), R"(\xe2\x82)") << "cut short";
}

TEST(TableTest, AlignsColumnsByCharacters) {
    Table table({{"NAME"}, {"SIZE", Align::Right}, {"END"}});
    table.add({"\xc3\xbc", "10 B", ""});
    table.add({"long\nname", "1 B", "x"});
    EXPECT_EQ(table.text(), "NAME          SIZE  END\n\xc3\xbc             10 B\nlong\\x0aname   1 B  x\n");
}

TEST(SheetTest, RowsWithoutANameGoOn) {
    EXPECT_EQ(sheet({{"Kind", "origin"}, {"Revisions", "a"}, {"", "b\x1b"}}), "Kind:       origin\nRevisions:  a\n            b\\x1b\n");
}

TEST(ProgressTest, StaysSilentAtFirstAndWipesItsLine) {
    std::ostringstream out;
    const auto start = Progress::Clock::now();
    {
        Progress progress(out, true);
        progress.show({1}, base::Bytes{2}, start);
        EXPECT_EQ(out.str(), "");
        progress.show({512}, base::Bytes{1024}, start + std::chrono::seconds(5));
        EXPECT_EQ(out.str(), "\r\033[K50%  512 B of 1.0 KiB");
        progress.show({600}, base::Bytes{1024}, start + std::chrono::seconds(5));
        progress.show({0}, base::Bytes{}, start + std::chrono::seconds(6));
    }
    EXPECT_EQ(out.str(), "\r\033[K50%  512 B of 1.0 KiB\r\033[K100%  0 B of 0 B\r\033[K");
}

TEST(ProgressTest, WithoutAnEndItSaysHowMuch) {
    std::ostringstream out;
    Progress(out, true).show({1536}, {}, Progress::Clock::now() + std::chrono::seconds(5));
    EXPECT_EQ(out.str(), "\r\033[K1.5 KiB\r\033[K");
}

TEST(ProgressTest, SaysNothingWhereItIsNotWanted) {
    std::ostringstream out;
    { Progress(out, false).show({1}, base::Bytes{2}, Progress::Clock::now() + std::chrono::hours(1)); }
    EXPECT_EQ(out.str(), "");
}

}  // namespace
}  // namespace varve::cli
