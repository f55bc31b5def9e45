// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/tables.h"
#include "tests/unit/mount_client/fake_tree.h"

#include <gtest/gtest.h>

namespace varve::mount_client {
namespace {

constexpr const char* data_row =
    R"({"volume":"p/v/data","kind":"snapshot","source":"../t/root.img","rw":true,"revisions_to_keep":3,"inherited":[],"state":"started","outdated":true,"size":512,"usage":4096,"revisions":0})"
    "\n";
constexpr const char* root_row =
    R"({"volume":"p/v/root","kind":"origin","rw":false,"revisions_to_keep":1,"inherited":["revisions_to_keep"],"state":"halted","outdated":false,"size":1024,"usage":8192,"revisions":2})"
    "\n";
constexpr const char* revisions =
    R"({"volume":"p/v/root","revision":"a","size":1024,"usage":1,"modified":"m","pinned":true,"kept":["label"]})"
    "\n"
    R"({"volume":"p/v/root","revision":"b","size":1024,"usage":2,"modified":"m","pinned":false,"kept":[]})"
    "\n";

class Tables : public ::testing::Test {
protected:
    void SetUp() override { tree_.add_pool("p"); }
    void put(const std::string& table, const std::string& text) { tree_.put("pools/p/.varve/" + table, text); }
    base::PoolName pool_ = base::PoolName::parse("p").value();
    testing::FakeTree tree_;
};

TEST_F(Tables, AnOlderVarvefsHasNone) {
    EXPECT_EQ(volumes_table(tree_.mount(), pool_).value(), std::nullopt);
    EXPECT_EQ(revisions_table(tree_.mount(), pool_).value(), std::nullopt);
    EXPECT_EQ(usage_table(tree_.mount(), pool_).value(), std::nullopt);
}

TEST_F(Tables, VolumesWithTheirConfiguration) {
    put("volumes", std::string(data_row) + root_row);
    const auto rows = volumes_table(tree_.mount(), pool_).value().value();
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].volume.id.str(), "p/v/data");
    EXPECT_EQ(rows[0].volume.source, "../t/root.img");
    EXPECT_TRUE(rows[0].volume.outdated && rows[0].configuration.own_revisions_to_keep && rows[0].configuration.rw);
    EXPECT_EQ(rows[1].volume.state, "halted");
    EXPECT_EQ(rows[1].volume.usage, 8192U);
    EXPECT_EQ(rows[1].volume.revision_count, 2U);
    EXPECT_TRUE(!rows[1].configuration.own_revisions_to_keep && !rows[1].configuration.rw);
    put("volumes", "");
    EXPECT_TRUE(volumes_table(tree_.mount(), pool_).value().value().empty()) << "an empty pool has a table";
}

TEST_F(Tables, RevisionsGoToTheirVolumes) {
    put("revisions", revisions);
    const auto all = revisions_table(tree_.mount(), pool_).value().value();
    ASSERT_EQ(all.size(), 1U);
    const auto& [volume, of_root] = *all.begin();
    EXPECT_EQ(volume.str(), "p/v/root");
    ASSERT_EQ(of_root.size(), 2U);
    EXPECT_EQ(of_root[0].name, "a");
    EXPECT_EQ(of_root[1].usage, 2U);
}

TEST_F(Tables, UsageLeavesOutWhatCannotBeTold) {
    put("volumes", std::string(data_row) + root_row);
    put("revisions", revisions);
    put("shares", R"({"volume":"p/v/data","error":{"code":"io","errno":5,"name":"EIO","message":"it is broken"}})"
                  "\n"
                  R"({"volume":"p/v/root","state":"committed","exclusive":7})"
                  "\n"
                  R"({"volume":"p/v/root","state":"revision","revision":"b","exclusive":5})"
                  "\n");
    const auto usage = usage_table(tree_.mount(), pool_).value().value();
    ASSERT_EQ(usage.volumes.size(), 1U);
    EXPECT_EQ(usage.volumes[0].exclusive(), 12U);
    EXPECT_EQ(usage.volumes[0].prunable(), 5U);
    EXPECT_EQ(usage.volumes[0].size, 1024U);
    ASSERT_EQ(usage.failures.size(), 1U);
    EXPECT_NE(usage.failures[0].message().find("p/v/data: it is broken"), std::string::npos) << usage.failures[0].message();
}

TEST_F(Tables, StrangeLinesAreRefused) {
    for (const auto* line :
         {"x", "[]", "{}",
          R"({"volume":"q/v/root","kind":"origin","revisions_to_keep":1,"state":"halted","size":1,"usage":1,"revisions":0})",
          R"({"volume":"p/../root","kind":"origin","revisions_to_keep":1,"state":"halted","size":1,"usage":1,"revisions":0})",
          R"({"volume":"p/v/root","kind":"origin","revisions_to_keep":1,"state":"halted","size":-1,"usage":1,"revisions":0})",
          R"({"volume":"p/v/root","revisions_to_keep":1,"state":"halted","size":1,"usage":1,"revisions":0})"}) {
        put("volumes", std::string(root_row) + line + "\n");
        EXPECT_EQ(volumes_table(tree_.mount(), pool_).error().code, base::Errc::Corrupt) << line;
    }
}

}  // namespace
}  // namespace varve::mount_client
