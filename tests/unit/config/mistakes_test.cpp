// SPDX-License-Identifier: LGPL-2.1-or-later
// Every mistake is reported, with its line and what was expected.
#include "tests/unit/config/expectations.h"

#include <algorithm>
#include <limits>
#include <ostream>

namespace varve::config::tests {
namespace {

struct Bad {
    std::string text;
    std::size_t line;
    std::string says;  // a part of the message
};

void PrintTo(const Bad& bad, std::ostream* out) { *out << bad.text; }

class OneMistake : public testing::TestWithParam<Bad> {};

TEST_P(OneMistake, IsReportedOnceWithItsLine) {
    const auto& [text, line, says] = GetParam();
    const auto mistakes = refused(text);
    ASSERT_EQ(mistakes.size(), 1U) << text << "\n" << listed(mistakes);
    EXPECT_EQ(mistakes.front().line, line) << text << "\n" << listed(mistakes);
    EXPECT_NE(mistakes.front().what.find(says), std::string::npos) << text << "\n" << listed(mistakes);
}

// Drivers are asked, with each problem's line, about pools with other mistakes as well.
TEST(DriversMistakes, AreReportedWithAllOthers) {
    const auto problems = [](const registry::PoolSettings& settings) {
        std::vector<registry::Problem> found{{"", "pool " + settings.name.str() + " is wrong"}};
        for (const auto& [key, value] : settings.parameters) found.push_back({key, "bad " + key});
        found.push_back({"dir_path", "dir_path is missing"});
        return found;
    };
    const auto refused = parse_and_check(
        "min_free = 'much'\n[[pool]]\nname = 'a'\ndriver = 'sim'\nschedule = 'often'\nsize = 5\ndir_path = 'relative'\n"
        "[[pool]]\ndriver = 'sim'\n",
        problems);
    ASSERT_FALSE(refused);
    std::vector<std::string> all;
    for (const auto& mistake : refused.error()) all.push_back(std::to_string(mistake.line) + " " + mistake.what.substr(0, 10));
    EXPECT_EQ(all, (std::vector<std::string>{"1 min_free: ", "4 pool a is ", "5 schedule: ", "6 bad size", "7 dir_path: ", "8 the pool h"}))
        << listed(refused.error());
}

INSTANTIATE_TEST_SUITE_P(Syntax, OneMistake,
                         testing::Values(Bad{"mountpoint = '/a'\nstate_dir = \n", 2, ""}, Bad{"min_free = '5%", 1, ""},
                                         Bad{"\n\nmountpoint '/a'", 3, ""}, Bad{"mountpoint = '/a'\nmountpoint = '/b'", 2, "mountpoint"},
                                         Bad{"# \xff\n", 1, ""}, Bad{"[[pool]\n", 1, ""}, Bad{"\xc2\xa1 = 1", 1, ""},
                                         Bad{"x = 1\n\xc3\xa9t\xc3\xa9 = 1", 2, ""}, Bad{"x \xe2\xb9\xa0= 1", 1, ""},
                                         Bad{"prune_grace = 99999999999999999999", 1, ""}, Bad{"x = " + std::string(100'000, '['), 1, ""}));

INSTANTIATE_TEST_SUITE_P(
    TopLevel, OneMistake,
    testing::Values(Bad{"\nmountpont = '/a'", 2, "did you mean 'mountpoint'?"}, Bad{"minfree = '5%'", 1, "did you mean 'min_free'?"},
                    Bad{"state-dir = '/a'", 1, "did you mean 'state_dir'?"}, Bad{"[[pools]]\nname = 'p'", 1, "did you mean 'pool'?"},
                    Bad{"frobnicate = 1", 1,
                        "expected one of 'mountpoint', 'state_dir', 'runtime_dir', 'min_free', 'prune_grace', 'passthrough', 'pool'"},
                    Bad{"revisions_to_keep = 5", 1, "below a [[pool]] line"}, Bad{"dir_path = '/a'", 1, "below a [[pool]] line"},
                    Bad{"'' = 1", 1, "unknown key ''"}, Bad{"\"a\\u0007\\nb\" = 1", 1, "unknown key 'a??b'"},
                    Bad{"a.b = 1", 1, "unknown key 'a'"}, Bad{"[varve]\nx = 1", 1, "unknown key 'varve'"},
                    Bad{"pool = 5", 1, "each below a line [[pool]], not the number 5"},
                    Bad{"[pool]\nname = 'p'", 1, "[[pool]], not a table"}, Bad{"pool = ['p']", 1, "[[pool]], not an array"}));

INSTANTIATE_TEST_SUITE_P(Paths, OneMistake,
                         testing::Values(Bad{"mountpoint = 'varve'", 1, "expected an absolute path, not 'varve'"},
                                         Bad{"mountpoint = ''", 1, "an absolute path"}, Bad{"\nstate_dir = './x'", 2, "an absolute path"},
                                         Bad{"state_dir = 5", 1, "expected an absolute path, not the number 5"},
                                         Bad{"state_dir = ['/a']", 1, "not an array"}, Bad{"state_dir = \"/a\\u0000b\"", 1, "zero byte"},
                                         Bad{"mountpoint = '/" + std::string(5000, 'a') + "'", 1, "longer than a path may be"},
                                         Bad{"mountpoint = '/'", 1, "root of the machine"},
                                         Bad{"mountpoint = '//a/..'", 1, "root of the machine"},
                                         Bad{"mountpoint = '/a'\nstate_dir = '/a/b'", 2, "below the mountpoint '/a'"},
                                         Bad{"mountpoint = '/a'\nstate_dir = '/b/../a/'", 2, "below the mountpoint"},
                                         Bad{"mountpoint = '/a'\nruntime_dir = '/a/run'", 2, "runtime_dir: '/a/run' is below"},
                                         Bad{"\nmountpoint = '/var'", 2, "'/var/lib/varve' is below the mountpoint"}));

INSTANTIATE_TEST_SUITE_P(MinimumFree, OneMistake,
                         testing::Values(Bad{"min_free = '101%'", 1, "from 0% to 100%"}, Bad{"min_free = '100.5%'", 1, "from 0% to 100%"},
                                         Bad{"min_free = '" + std::string(400, '9') + "%'", 1, "from 0% to 100%"},
                                         Bad{"min_free = '-5%'", 1, "expected a share"}, Bad{"min_free = '%'", 1, "expected a share"},
                                         Bad{"min_free = '1.2.3%'", 1, "expected a share"}, Bad{"min_free = 'nan%'", 1, "expected a share"},
                                         Bad{"min_free = 'inf%'", 1, "expected a share"}, Bad{"min_free = '5 %'", 1, "expected a share"},
                                         Bad{"min_free = 'lots'", 1, "\"10G\", not the string 'lots'"},
                                         Bad{"min_free = ''", 1, "expected a share"}, Bad{"min_free = -1", 1, "expected a share"},
                                         Bad{"min_free = 5.0", 1, "not a number with a fraction"}, Bad{"min_free = true", 1, "not true"},
                                         Bad{"min_free = '16E'", 1, "64 bits"}, Bad{"min_free = '99999999999999999999'", 1, "64 bits"}));

INSTANTIATE_TEST_SUITE_P(
    Durations, OneMistake,
    testing::Values(Bad{"prune_grace = -1", 1, "expected a time"}, Bad{"prune_grace = '24'", 1, "expected a time"},
                    Bad{"prune_grace = 'h'", 1, "expected a time"}, Bad{"prune_grace = ''", 1, "expected a time"},
                    Bad{"prune_grace = '-1h'", 1, "expected a time"}, Bad{"prune_grace = '1.5h'", 1, "expected a time"},
                    Bad{"prune_grace = '24hours'", 1, "expected a time"}, Bad{"prune_grace = '1h30m'", 1, "expected a time"},
                    Bad{"prune_grace = 23:00:00", 1, "not a time of day"}, Bad{"prune_grace = 2026-01-02", 1, "not a date"},
                    Bad{"prune_grace = '36501d'", 1, "at most 36500 days"},
                    Bad{"prune_grace = 9223372036854775807", 1, "at most 36500 days"},
                    Bad{"prune_grace = '99999999999999999999999d'", 1, "at most 36500 days"}));

// A key of an otherwise good pool, in line 4.
Bad in_pool(const std::string& line, std::string says) {
    return {"[[pool]]\nname = 'p'\ndriver = 'sim'\n" + line + "\n", 4, std::move(says)};
}

INSTANTIATE_TEST_SUITE_P(
    Pool, OneMistake,
    testing::Values(
        Bad{"\n[[pool]]\ndriver = 'sim'", 2, "no 'name'"}, Bad{"\n[[pool]]\nname = 'p'", 2, "no 'driver'"},
        Bad{"[[pool]]\ndriver = 'sim'\nname = 'a/b'", 3, "not a legal pool name"},
        Bad{"[[pool]]\ndriver = 'sim'\nname = ''", 3, "not a legal"},
        Bad{"[[pool]]\ndriver = 'sim'\nname = 5", 3, "expected a pool's name, not the number 5"},
        Bad{"[[pool]]\nname = 'p'\ndriver = ''", 3, "the name of a driver"},
        Bad{"[[pool]]\nname = 'p'\ndriver = '../x'", 3, "the name of a driver"},
        Bad{"[[pool]]\nname = 'p'\ndriver = true", 3, "the name of a driver such as \"file-reflink\", not true"},
        Bad{"[[pool]]\nname = 'p'\ndriver = 'sim'\n\n[[pool]]\ndriver = 'sim'\nname = 'p'", 7, "the pool in line 2 is called 'p' too"},
        in_pool("revisions_to_keep = -2", "must be -1"), in_pool("revisions_to_keep = '5'", "not the string '5'"),
        in_pool("schedule = 7", "a schedule such as"), in_pool("schedule = '7 days'", "is no schedule"),
        in_pool("prune_below = '101%'", "from 0% to 100%"), in_pool("prune_below = 'much'", "not the string 'much'"),
        in_pool("revisions_to_keep = 1.5", "a number with a fraction"), in_pool("min_free = '5%'", "above the first [[pool]]"),
        in_pool("pool = 1", "above the first [[pool]]"), in_pool("dir_path = 'vms'", "dir_path: expected an absolute path, not 'vms'"),
        in_pool("dir_path = '/varve/vms'", "below the mountpoint '/varve'"),
        in_pool("options = [1]", "options: expected a string, a whole number"), in_pool("options = 1.5", "not a number with a fraction"),
        in_pool("a.b = 1", "not a table"), in_pool("[pool.more]\nx = 1", "not a table"), in_pool("'' = 1", "'' is not a key"),
        in_pool("'Dir Path' = 1", "'Dir Path' is not a key"), in_pool("options = \"a\\u0000\"", "zero byte")));

INSTANTIATE_TEST_SUITE_P(
    Ownership, OneMistake,
    testing::Values(in_pool("owner = 'no-such-user'", "there is no user 'no-such-user'"),
                    in_pool("group = 'no-such-group'", "there is no group"), in_pool("owner = ''", "the name or number of a user"),
                    in_pool("owner = true", "the name or number of a user, not true"), in_pool("owner = -1", "-1 is not a user number"),
                    in_pool("owner = 4294967295", "4294967295 is not a user number"),
                    in_pool("group = 4294967295", "is not a group number"), in_pool("group = '4294967296'", "is not a group number"),
                    in_pool("owner = 4294967290", "so 'group' must be given too"), in_pool("mode = 750", "not a decimal number"),
                    in_pool("mode = 0x1ff", "not a decimal number"), in_pool("mode = 0o1777", "from 0000 to 0777"),
                    in_pool("mode = '01777'", "from 0000 to 0777"), in_pool("mode = '0789'", "an octal mode"),
                    in_pool("mode = '-1'", "from 0000 to 0777"), in_pool("mode = ''", "an octal mode"),
                    in_pool("mode = 'rwxr-x---'", "an octal mode"), in_pool("mode = true", "an octal mode"),
                    in_pool("mode = '7777777777777777777777777'", "an octal mode")));

TEST(Mistakes, AllAtOnceInTheOrderOfTheirLines) {
    const auto mistakes = refused(R"(mountpoint = "varve"
min_fre = "5%"
prune_grace = "soon"

[[pool]]
name = "a b"
driver = "sim"
owner = "no-such-user"
mode = 750

[[pool]]
name = "twice"
revisions_to_keep = -5

[[pool]]
name = "twice"
driver = "sim"
prune_grace = 5
dir_path = "here"
)");
    std::vector<std::size_t> lines;
    for (const auto& mistake : mistakes) lines.push_back(mistake.line);
    EXPECT_EQ(lines, (std::vector<std::size_t>{1, 2, 3, 6, 8, 9, 11, 13, 16, 18, 19})) << listed(mistakes);
}

TEST(Mistakes, APoolWithAWrongOwnerIsToldOnce) {
    EXPECT_EQ(refused("[[pool]]\nname = 'p'\ndriver = 'sim'\nowner = 'no-such-user'\nmode = '0750'\n").size(), 1U);
}

TEST(Mistakes, LongTextIsShortened) {
    const auto mistakes = refused("min_free = '" + std::string(100'000, 'x') + "'");
    ASSERT_EQ(mistakes.size(), 1U);
    EXPECT_LT(mistakes.front().what.size(), 300U);
}

}  // namespace
}  // namespace varve::config::tests
