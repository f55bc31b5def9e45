// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/inventory.h"
#include "tests/unit/mount_client/fake_tree.h"

#include <gtest/gtest.h>

namespace varve::mount_client {
namespace {

class Inventory : public ::testing::Test {
protected:
    void SetUp() override {
        tree_.add_pool("p");
        tree_.add_volume("pools/p/v", "root", "12345",
                         R"({"revision":"2018-01-02T03:04:05Z","size":1048576,"usage":4096,"modified":"m","pinned":true,"kept":["label"]})"
                         "\n");
    }
    base::VolumeId root_ = std::get<StateReference>(parse_reference("p/v/root").value()).volume;
    testing::FakeTree tree_;
};

TEST_F(Inventory, VolumesAreWhateverHasAState) {
    tree_.put("pools/p/v/gone.img@2018-01-02T03:04:05Z", "");
    tree_.put("pools/p/v/root.img@label", "");
    tree_.put("pools/p/v/root2.img", "");
    for (const auto* other : {".varve-clone-x", "Root.img", "a-b.img", ".img", "README"}) tree_.put(std::string("pools/p/v/") + other, "");
    std::vector<std::string> names;
    const auto found = volumes(tree_.mount(), {root_.pool, root_.vm}).value();
    for (const auto& name : found) names.push_back(name.str());
    EXPECT_EQ(names, (std::vector<std::string>{"gone", "root", "root2"}));
}

TEST_F(Inventory, ReadsAVolume) {
    std::filesystem::create_symlink("/dev/loop7", tree_.at("pools/p/v/.varve/root/device"));
    tree_.put("pools/p/v/.varve/root/blockers", "one\ntwo\n");
    const auto details = read_details(tree_.mount(), root_).value();
    EXPECT_EQ(details.volume.kind, "origin");
    EXPECT_EQ(details.volume.size, 5U);
    EXPECT_EQ(details.device, "/dev/loop7");
    EXPECT_EQ(details.blockers, (std::vector<std::string>{"one", "two"}));
    ASSERT_EQ(details.volume.revisions.size(), 1U);
    EXPECT_EQ(details.volume.revisions[0].size, 1048576U);
    EXPECT_TRUE(details.volume.revisions[0].pinned);
}

TEST_F(Inventory, ReadsAConfiguration) {
    const std::string file = "pools/p/v/.varve/root/config";
    tree_.put(file, R"({"kind":"snapshot","source":"../t/root.img","rw":true,"revisions_to_keep":-1,"inherited":["schedule"]})");
    const auto own = read_configuration(tree_.mount(), root_).value();
    EXPECT_EQ(own.kind + own.source + own.state, "snapshot../t/root.imghalted");
    EXPECT_EQ(own.size, 5U);
    EXPECT_EQ(own.revisions_to_keep, -1);
    EXPECT_TRUE(own.own_revisions_to_keep && own.rw && !own.ephemeral);
    tree_.put(file, R"({"kind":"volatile","revisions_to_keep":2,"ephemeral":true,"inherited":["revisions_to_keep","schedule"]})");
    const auto other = read_configuration(tree_.mount(), root_).value();
    EXPECT_TRUE(!other.own_revisions_to_keep && !other.rw && other.ephemeral);
    for (const auto* strange : {"{}", "[]", "x", R"({"kind":7,"revisions_to_keep":2})"}) {
        tree_.put(file, strange);
        EXPECT_EQ(read_configuration(tree_.mount(), root_).error().code, base::Errc::Corrupt) << strange;
    }
}

TEST_F(Inventory, ReadsAPool) {
    const auto pool = read_pool(tree_.mount(), root_.pool).value();
    EXPECT_EQ(pool.driver, "sim");
    EXPECT_EQ(pool.size, 1073741824U);
}

TEST_F(Inventory, SaysWhatDoesNotExist) {
    EXPECT_EQ(vms(tree_.mount(), base::PoolName::parse("q").value()).error().context, "the pool q does not exist");
    auto other = root_;
    other.volume = base::VolumeName::parse("other").value();
    const auto missing = read_volume(tree_.mount(), other);
    EXPECT_EQ(missing.error().code, base::Errc::NotFound);
    EXPECT_EQ(missing.error().context, "p/v/other does not exist");
}

TEST_F(Inventory, ValuesOfAnotherFormAreCorrupt) {
    for (const auto* text : {"", "x", "-1", "1 ", "99999999999999999999", "0x10"}) {
        tree_.put("pools/p/v/.varve/root/size", text);
        EXPECT_EQ(read_volume(tree_.mount(), root_).error().code, base::Errc::Corrupt) << text;
    }
    tree_.put("pools/p/v/.varve/root/size", "5");
    for (const auto* text : {"{}", "[]", "{\"revision\":\"x\",\"size\":-1}", "{\"revision\":1,\"size\":1}", "\x1b[2J"}) {
        tree_.put("pools/p/v/.varve/root/revisions", text);
        EXPECT_EQ(read_volume(tree_.mount(), root_).error().code, base::Errc::Corrupt) << text;
    }
}

}  // namespace
}  // namespace varve::mount_client
