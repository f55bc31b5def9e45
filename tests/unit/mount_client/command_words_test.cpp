// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/protocol/command_words.h"

#include <gtest/gtest.h>

namespace varve::protocol {
namespace {

using Words = std::vector<std::string>;

TEST(CommandWords, SplitsAtBlanks) {
    EXPECT_EQ(split_command("pool-add  fast\tsim").value(), (Words{"pool-add", "fast", "sim"}));
    EXPECT_EQ(split_command(" start \n").value(), (Words{"start"}));
    EXPECT_EQ(split_command("\n").value(), Words{});
    EXPECT_EQ(split_command("").value(), Words{});
}

TEST(CommandWords, QuotedWordsKeepBlanksQuotesAndBackslashes) {
    EXPECT_EQ(split_command(R"(pool-add a b "dir_path=/my \"disks\"\\x" "")").value(),
              (Words{"pool-add", "a", "b", R"(dir_path=/my "disks"\x)", ""}));
    EXPECT_EQ(split_command(R"(a\b c\)").value(), (Words{R"(a\b)", R"(c\)"}));
}

TEST(CommandWords, RefusesWhatIsNotACommand) {
    for (const std::string text : {R"("open)", R"(a"b)", R"("a"b)", R"("a\n")", R"("a\)", "two\nlines", "a\n\n", "a\x01", "del\x7f"})
        EXPECT_FALSE(split_command(text)) << text;
    EXPECT_FALSE(split_command(std::string_view("a\0b", 3)));
}

TEST(CommandWords, JoinedWordsSplitIntoThemselves) {
    const std::vector<Words> commands{{"start"}, {"a", "", "b c"}, {R"(")", R"(\)", R"(\")"}, {R"(x="y z")"}, {"ümläut", "a\\b"}};
    for (const auto& words : commands) {
        const auto text = join_command(words).value();
        EXPECT_TRUE(text.ends_with('\n'));
        EXPECT_EQ(split_command(text).value(), words) << text;
    }
}

TEST(CommandWords, JoinRefusesLinesInWordsAndTooLongCommands) {
    EXPECT_FALSE(join_command(Words{"a", "b\nstop"}));
    EXPECT_FALSE(join_command(Words{std::string(1, '\0')}));
    EXPECT_TRUE(join_command(Words{std::string(longest_command - 1, 'a')}));
    EXPECT_EQ(join_command(Words{std::string(longest_command, 'a')}).error().code, base::Errc::TooLarge);
}

}  // namespace
}  // namespace varve::protocol
