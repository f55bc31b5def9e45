// SPDX-License-Identifier: LGPL-2.1-or-later
// What the file may say, and what it then means.
#include "tests/unit/config/expectations.h"

#include <pwd.h>

namespace varve::config::tests {
namespace {

using namespace std::chrono_literals;

// The one pool of a file with these lines added to a good pool.
PoolConfig pool_with(const std::string& lines) {
    const auto config = accepted("[[pool]]\nname = 'p'\ndriver = 'sim'\n" + lines);
    if (config.pools.size() == 1) return config.pools.front();
    ADD_FAILURE() << config.pools.size() << " pools";
    return {{*base::PoolName::parse("none"), "", {}, api::RevisionsToKeep::standard()}, {}};
}

TEST(Config, EmptyFileGivesTheDefaults) {
    const auto config = accepted("# nothing\n");
    EXPECT_EQ(config.mountpoint, "/varve");
    EXPECT_EQ(config.state_dir, "/var/lib/varve");
    EXPECT_EQ(config.runtime_dir, "/run/varve");
    EXPECT_EQ(std::get<base::Percent>(config.min_free).value, 5);
    EXPECT_EQ(config.prune_grace, 24h);
    EXPECT_TRUE(config.pools.empty());
}

TEST(Config, PoolDefaults) {
    const auto pool = pool_with("");
    EXPECT_EQ(pool.settings.name.str(), "p");
    EXPECT_EQ(pool.settings.driver, "sim");
    EXPECT_TRUE(pool.settings.parameters.empty());
    EXPECT_EQ(pool.settings.revisions_to_keep, api::RevisionsToKeep::standard());
    EXPECT_EQ(pool.ownership, (api::Ownership{0, 0, 0755}));
}

TEST(Config, EverythingSet) {
    const auto config = accepted(R"(
mountpoint = "/srv/varve"
state_dir = "/srv/state"
runtime_dir = "/run/other"
min_free = "10G"
prune_grace = "90m"

[[pool]]
name = "fast"
driver = "file-reflink"
dir_path = "/srv/vms"
revisions_to_keep = 5
schedule = "7d 24h"
prune_below = "12.5%"
setup_check = true
owner = 1234
group = 4321
mode = "0750"

[[pool]]
name = "slow"
driver = "other_driver"
count = -7
)");
    EXPECT_EQ(config.mountpoint, "/srv/varve");
    EXPECT_EQ(config.state_dir, "/srv/state");
    EXPECT_EQ(config.runtime_dir, "/run/other");
    EXPECT_EQ(std::get<base::Bytes>(config.min_free), base::Bytes{10ULL << 30});
    EXPECT_EQ(config.prune_grace, 90min);
    ASSERT_EQ(config.pools.size(), 2U);
    const auto& [settings, ownership, schedule, prune_below] = config.pools[0];
    EXPECT_EQ(settings.name.str(), "fast");
    EXPECT_EQ(settings.driver, "file-reflink");
    EXPECT_EQ(settings.parameters, (std::map<std::string, std::string>{{"dir_path", "/srv/vms"}, {"setup_check", "true"}}));
    EXPECT_EQ(settings.revisions_to_keep.count(), 5);
    EXPECT_EQ(schedule.str(), "24h 7d");
    EXPECT_EQ(std::get<base::Percent>(prune_below.value()).value, 12.5);
    EXPECT_TRUE(config.pools[1].schedule.empty());
    EXPECT_FALSE(config.pools[1].prune_below);
    EXPECT_EQ(ownership, (api::Ownership{1234, 4321, 0750}));
    EXPECT_EQ(config.pools[1].settings.name.str(), "slow");
    EXPECT_EQ(config.pools[1].settings.parameters, (std::map<std::string, std::string>{{"count", "-7"}}));
}

TEST(Config, PoolsAsAnInlineArray) {
    EXPECT_EQ(accepted("pool = [{name = 'a', driver = 'sim'}, {name = 'b', driver = 'sim'}]").pools.size(), 2U);
    EXPECT_TRUE(accepted("pool = []").pools.empty());
}

TEST(Config, ShareToKeepFree) {
    for (const auto& [text, share] : std::vector<std::pair<std::string, double>>{{"'0%'", 0}, {"'2.5%'", 2.5}, {"'100%'", 100}}) {
        const auto config = accepted("min_free = " + text);
        ASSERT_TRUE(std::holds_alternative<base::Percent>(config.min_free)) << text;
        EXPECT_EQ(std::get<base::Percent>(config.min_free).value, share) << text;
    }
}

TEST(Config, AmountToKeepFree) {
    for (const auto& [text, count] : std::vector<std::pair<std::string, std::uint64_t>>{{"0", 0},
                                                                                        {"'0'", 0},
                                                                                        {"4096", 4096},
                                                                                        {"'512'", 512},
                                                                                        {"'20M'", 20ULL << 20},
                                                                                        {"'1.5GiB'", 3ULL << 29}}) {
        const auto config = accepted("min_free = " + text);
        ASSERT_TRUE(std::holds_alternative<base::Bytes>(config.min_free)) << text;
        EXPECT_EQ(std::get<base::Bytes>(config.min_free).count, count) << text;
    }
}

TEST(Config, Durations) {
    for (const auto& [text, expected] : std::vector<std::pair<std::string, std::chrono::seconds>>{{"0", 0s},
                                                                                                  {"86400", 24h},
                                                                                                  {"'24h'", 24h},
                                                                                                  {"'90m'", 90min},
                                                                                                  {"'3600s'", 1h},
                                                                                                  {"'7d'", 168h},
                                                                                                  {"'36500d'", std::chrono::days(36500)}})
        EXPECT_EQ(accepted("prune_grace = " + text).prune_grace, expected) << text;
}

TEST(Config, Modes) {
    for (const auto& [text, expected] : std::vector<std::pair<std::string, mode_t>>{{"'0750'", 0750},
                                                                                    {"'750'", 0750},
                                                                                    {"'0o750'", 0750},
                                                                                    {"0o750", 0750},
                                                                                    {"0o0", 0},
                                                                                    {"'0'", 0},
                                                                                    {"'0777'", 0777}})
        EXPECT_EQ(pool_with("mode = " + text).ownership.mode, expected) << text;
}

TEST(Config, RevisionsToKeep) {
    for (const int count : {-1, 0, 1, 1000})
        EXPECT_EQ(pool_with("revisions_to_keep = " + std::to_string(count)).settings.revisions_to_keep.count(), count);
}

TEST(Config, OwnerByNameBringsItsPrimaryGroup) {
    // An account of base-passwd whose group has another number.
    const passwd* const man = ::getpwnam("man");
    if (man == nullptr || man->pw_uid == man->pw_gid) GTEST_SKIP() << "this machine has no account 'man' with a group of another number";
    const api::Ownership expected{man->pw_uid, man->pw_gid, 0755};
    EXPECT_EQ(pool_with("owner = 'man'").ownership, expected);
    EXPECT_EQ(pool_with("owner = " + std::to_string(expected.uid)).ownership, expected);
    EXPECT_EQ(pool_with("owner = '" + std::to_string(expected.uid) + "'").ownership, expected);
}

TEST(Config, GroupByNameOrNumber) {
    EXPECT_EQ(pool_with("group = 'root'").ownership.gid, 0U);
    EXPECT_EQ(pool_with("group = 77").ownership.gid, 77U);
    EXPECT_EQ(pool_with("owner = 'root'\ngroup = 77").ownership.gid, 77U);
}

TEST(Config, NumbersWithoutAnAccount) {
    EXPECT_EQ(pool_with("owner = 4294967294\ngroup = 4294967294").ownership, (api::Ownership{4294967294, 4294967294, 0755}));
}

TEST(Config, ParametersBecomeText) {
    const auto pool = pool_with("text = 'a \"b\" c'\nnumber = 0x10\non = true\noff = false\nempty = ''\n");
    EXPECT_EQ(
        pool.settings.parameters,
        (std::map<std::string, std::string>{{"text", "a \"b\" c"}, {"number", "16"}, {"on", "true"}, {"off", "false"}, {"empty", ""}}));
}

TEST(Config, PlacesBesideTheMountpoint) {
    const auto config =
        accepted("mountpoint = '/srv/varve'\nstate_dir = '/srv/varve-state'\n[[pool]]\nname = 'p'\ndriver = 'sim'\ndir_path = '/srv'\n");
    EXPECT_EQ(config.state_dir, "/srv/varve-state");
}

}  // namespace
}  // namespace varve::config::tests
