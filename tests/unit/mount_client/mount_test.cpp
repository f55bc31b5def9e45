// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/mount.h"
#include "drivers/base/timestamp.h"
#include "tests/unit/mount_client/fake_tree.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace varve::mount_client {
namespace {

using base::Errc;
using Words = std::vector<std::string>;

TEST(MountTest, OnlyTheRootOfAVarveIsOne) {
    testing::FakeTree tree;
    EXPECT_EQ(Mount::open(tree.root() + "/").value().path(), tree.root());
    EXPECT_EQ(Mount::open(tree.at("pools")).error().code, Errc::NotFound);
    EXPECT_EQ(Mount::open(tree.at("none")).error().code, Errc::NotFound);
    tree.put(".varve/version", "something else\n");
    EXPECT_FALSE(Mount::open(tree.root()));
}

TEST(MountTest, ACommandIsOneQuotedLine) {
    testing::FakeTree tree;
    const auto reply = tree.mount().command(".varve/ctl", "the pool p", Words{"pool-add", "p", "sim", "dir_path=/a b"});
    ASSERT_TRUE(reply);
    EXPECT_TRUE(reply->ok);
    EXPECT_EQ(tree.get(".varve/ctl"), "pool-add p sim \"dir_path=/a b\"\n");
}

TEST(MountTest, NeitherAMissingNorALinkedCtlIsUsed) {
    testing::FakeTree tree;
    EXPECT_EQ(tree.mount().command("pools/p/.varve/ctl", "p/v", Words{"start"}).error().context, "p/v does not exist");
    tree.put("victim", "");
    std::filesystem::create_symlink(tree.at("victim"), tree.at("planted"));
    EXPECT_FALSE(tree.mount().command("planted", "p/v", Words{"start"}));
    EXPECT_EQ(tree.get("victim"), "");
}

TEST(MountTest, ReasonsComeFromTheErrorsFile) {
    testing::FakeTree tree;
    EXPECT_EQ(tree.mount().link("a", "b").error().code, Errc::NotFound);
    EXPECT_NE(tree.mount().link("a", "b").error().message().find("No such file"), std::string::npos);
    const auto now = base::iso_utc(::time(nullptr));
    tree.put(".varve/errors",
             R"({"time":")" + now + R"(","pid":)" + std::to_string(::getpid()) +
                 R"(,"uid":0,"operation":"link","path":"b","code":"not-found","errno":2,"name":"ENOENT","message":"a has no state"})"
                 "\n");
    EXPECT_EQ(tree.mount().link("a", "b").error().message(), "a has no state");
}

TEST(MountTest, RenameKeepsWhatIsThereUnlessToldOtherwise) {
    testing::FakeTree tree;
    tree.put("a", "new");
    tree.put("b", "old");
    EXPECT_EQ(tree.mount().rename("a", "b", Mount::Replace::No).error().code, Errc::Exists);
    EXPECT_EQ(tree.get("b"), "old");
    EXPECT_TRUE(tree.mount().rename("a", "b", Mount::Replace::Yes));
    EXPECT_EQ(tree.get("b"), "new");
}

}  // namespace
}  // namespace varve::mount_client
