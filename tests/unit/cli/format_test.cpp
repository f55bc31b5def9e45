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

constexpr Progress::Clock::time_point begun{};

TEST(ProgressTest, ABarOnATerminalStaysSilentAtFirstAndWipesItsLine) {
    std::ostringstream out;
    {
        Progress progress(out, ProgressStyle::Bar, begun);
        progress.show({1}, base::Bytes{2}, begun + std::chrono::milliseconds(499));
        EXPECT_EQ(out.str(), "");
        progress.show({512}, base::Bytes{1024}, begun + std::chrono::seconds(5));
        EXPECT_EQ(out.str(), "\r\033[K[##########..........] 50%  512 B of 1.0 KiB");
        progress.show({600}, base::Bytes{1024}, begun + std::chrono::seconds(5));
        progress.show({0}, base::Bytes{}, begun + std::chrono::seconds(6));
    }
    EXPECT_EQ(out.str(), "\r\033[K[##########..........] 50%  512 B of 1.0 KiB\r\033[K[####################] 100%  0 B of 0 B\r\033[K");
}

TEST(ProgressTest, WithoutAnEndItSaysHowMuch) {
    std::ostringstream out;
    Progress(out, ProgressStyle::Bar, begun).show({1536}, {}, begun + std::chrono::seconds(5));
    EXPECT_EQ(out.str(), "\r\033[K1.5 KiB\r\033[K");
}

TEST(ProgressTest, ElsewhereALineEachTenSeconds) {
    std::ostringstream out;
    {
        Progress progress(out, ProgressStyle::Lines, begun);
        for (int second = 0; second <= 25; ++second)
            progress.show({static_cast<std::uint64_t>(second)}, base::Bytes{100}, begun + std::chrono::seconds(second));
        progress.show({1536}, {}, begun + std::chrono::hours(1));
    }
    EXPECT_EQ(out.str(), "varve: 10%  10 B of 100 B\nvarve: 20%  20 B of 100 B\nvarve: 1.5 KiB\n");
}

TEST(ProgressTest, ShortWorkSaysNothingElsewhere) {
    std::ostringstream out;
    { Progress(out, ProgressStyle::Lines, begun).show({1}, base::Bytes{2}, begun + std::chrono::milliseconds(9'999)); }
    EXPECT_EQ(out.str(), "");
}

TEST(ProgressTest, SaysNothingWhereItIsNotWanted) {
    std::ostringstream out;
    { Progress(out, ProgressStyle::None, begun).show({1}, base::Bytes{2}, begun + std::chrono::hours(1)); }
    EXPECT_EQ(out.str(), "");
}

TEST(ProgressTest, TheStyleIsThatOfStandardError) {
    std::ostringstream stream;
    const World log{stream, stream, false, "", "/", "", {}, {}};
    const World terminal{stream, stream, true, "", "/", "", {}, {}};
    EXPECT_EQ(Output(log, {}).progress_style(), ProgressStyle::Lines);
    EXPECT_EQ(Output(terminal, {}).progress_style(), ProgressStyle::Bar);
    for (const auto& options : {OutputOptions{true, false, false}, OutputOptions{false, true, false}}) {
        EXPECT_EQ(Output(log, options).progress_style(), ProgressStyle::None);
        EXPECT_EQ(Output(terminal, options).progress_style(), ProgressStyle::None);
    }
}

}  // namespace
}  // namespace varve::cli
