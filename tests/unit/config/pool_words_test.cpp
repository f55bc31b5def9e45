// SPDX-License-Identifier: LGPL-2.1-or-later
// A pool from the words of a command: the same keys and checks as a [[pool]] table.
#include "tests/unit/config/expectations.h"

namespace varve::config::tests {
namespace {

using Words = std::vector<std::string>;

std::string refusal(const Words& words) {
    const auto pool = pool_from_words(words);
    if (pool) {
        ADD_FAILURE() << "accepted: " << to_toml(*pool);
        return {};
    }
    EXPECT_EQ(pool.error().code, base::Errc::InvalidArgument);
    return pool.error().message();
}

TEST(PoolWords, SameAsTheTable) {
    const auto pool = pool_from_words({"fast", "file-reflink", "dir_path=/srv/a=b", "revisions_to_keep=5", "setup_check=true", "count=7",
                                       "schedule=1y 4w", "prune_below=20G", "owner=1234", "group=4321", "mode=0750", "empty="});
    ASSERT_TRUE(pool) << pool.error().message();
    const auto config = accepted(R"([[pool]]
name = "fast"
driver = "file-reflink"
dir_path = "/srv/a=b"
revisions_to_keep = 5
setup_check = true
schedule = "4w 1y"
prune_below = "20480M"
count = 7
owner = 1234
group = 4321
mode = 0o750
empty = ""
)");
    ASSERT_EQ(config.pools.size(), 1U);
    EXPECT_TRUE(equal(*pool, config.pools.front())) << to_toml(*pool) << to_toml(config.pools.front());
}

TEST(PoolWords, NameAndDriverAreEnough) {
    const auto pool = pool_from_words({"p", "sim"});
    ASSERT_TRUE(pool) << pool.error().message();
    EXPECT_EQ(pool->settings.revisions_to_keep, api::RevisionsToKeep::standard());
    EXPECT_EQ(pool->ownership, api::Ownership{});
}

TEST(PoolWords, Refusals) {
    const std::vector<std::pair<Words, std::string>> cases{
        {{}, "the pool has no 'name'; the pool has no 'driver'"},
        {{"p"}, "no 'driver'"},
        {{"", "sim"}, "not a legal pool name"},
        {{"a/b", "sim"}, "not a legal pool name"},
        {{"p", ""}, "the name of a driver"},
        {{"p", "sim", "word"}, "expected KEY=VALUE, not 'word'"},
        {{"p", "sim", ""}, "expected KEY=VALUE"},
        {{"p", "sim", "=x"}, "'' is not a key"},
        {{"p", "sim", "name=q"}, "NAME DRIVER KEY=VALUE"},
        {{"p", "sim", "driver=q"}, "NAME DRIVER KEY=VALUE"},
        {{"p", "sim", "count=1", "count=1"}, "'count' is given twice"},
        {{"p", "sim", "min_free=5%"}, "not a key of a pool"},
        {{"p", "sim", "revisions_to_keep=many"}, "not 'many'"},
        {{"p", "sim", "revisions_to_keep="}, "a number of revisions"},
        {{"p", "sim", "revisions_to_keep=99999999999999999999"}, "a number of revisions"},
        {{"p", "sim", "revisions_to_keep=-2"}, "must be -1"},
        {{"p", "sim", "owner=no-such-user"}, "there is no user 'no-such-user'"},
        {{"p", "sim", "mode=999"}, "an octal mode"},
        {{"p", "sim", "dir_path=vms"}, "an absolute path"},
        {{"p", "sim", "x=\xff"}, "not UTF-8"},
        {{"p", "sim", std::string("x=a\0b", 5)}, "zero byte"},
    };
    for (const auto& [words, says] : cases) {
        const auto message = refusal(words);
        EXPECT_NE(message.find(says), std::string::npos) << says << "\n" << message;
    }
}

TEST(PoolWords, AllMistakesInOneMessage) {
    const auto message = refusal({"a b", "sim", "word", "mode=rwx", "owner=no-such-user"});
    for (const auto* part : {"'a b' is not a legal pool name", "not 'word'", "mode: ", "'no-such-user'"})
        EXPECT_NE(message.find(part), std::string::npos) << part << "\n" << message;
}

}  // namespace
}  // namespace varve::config::tests
