// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/create.h"
#include "orchestrator/mount_client/path_reference.h"
#include "tests/unit/mount_client/fake_tree.h"

#include <gtest/gtest.h>

namespace varve::mount_client {
namespace {

TEST(Reference, ReadsLegalNamesAndShowsThemAgain) {
    for (const std::string text : {"fast", "fast/work", "fast/work/root", "fast/work/root@2018-01-02T03:04:05Z",
                                   "fast/work/root@2018-01-02T03:04:05Z.7", "0.p-_/W.-_x/a1@before-upgrade", "p/v/root@a:b"})
        EXPECT_EQ(to_string(parse_reference(text).value()), text);
}

TEST(Reference, DirectoriesMayEndInASlash) {
    EXPECT_EQ(to_string(parse_reference("p/").value()), "p");
    EXPECT_EQ(to_string(parse_reference("p/v/").value()), "p/v");
}

TEST(Reference, CurrentIsTheCommittedState) { EXPECT_EQ(to_string(parse_reference("p/v/root@current").value()), "p/v/root"); }

TEST(Reference, RefusesWhatNamesNothing) {
    for (const std::string text :
         {"",           "/",           "//",     "p//",  "p/v//",  "p/v/root/",    "p//root",     "p/v/root@", "p/v/Root", "p/v/root.img",
          "p/v/root/x", "p/none/root", "p/a-dm", "../p", "p/../q", "p/v/root@a@b", "p/v/root@-x", "p@x",       "p/v@x",    "p/v/r\n",
          "p v"})
        EXPECT_FALSE(parse_reference(text)) << text;
    EXPECT_FALSE(parse_reference(std::string(100000, 'a')));
    EXPECT_FALSE(parse_reference(std::string(100000, '/')));
}

TEST(Reference, PathsOfTheTree) {
    const auto state = std::get<StateReference>(parse_reference("p/v/root@l").value());
    EXPECT_EQ(state_path(state), "pools/p/v/root.img@l");
    EXPECT_EQ(volume_control(state.volume, "ctl"), "pools/p/v/.varve/root/ctl");
    EXPECT_EQ(vm_control(state.vm(), "ctl"), "pools/p/v/.varve/ctl");
    EXPECT_EQ(pool_control(state.volume.pool, "driver"), "pools/p/.varve/driver");
    EXPECT_EQ(root_control("errors"), ".varve/errors");
}

TEST(Reference, OfASourceAndBack) {
    const auto pool = base::PoolName::parse("p").value();
    for (const std::string name : {"p/v/root", "p/v/root@before-upgrade", "p/v/root@2018-01-02T03:04:05Z.7", "p/v/root@a.img"}) {
        const auto state = std::get<StateReference>(parse_reference(name).value());
        const auto back = parse_source_link(pool, source_link(state));
        ASSERT_TRUE(back) << name;
        EXPECT_EQ(back->str(), name);
    }
    EXPECT_EQ(source_link(parse_source_link(pool, "../v/root.img@l").value()), "../v/root.img@l");
    for (const std::string link :
         {"", "v/root", "../v/root", "v/root.img", "../v/root.img@", "../v/root.imgs", "../v/root@l.img", "../../p/v/root.img",
          "/v/root.img", "../v/.img", "../root.img", "../v/w/root.img", "../../x/root.img@l", "../v/root.img\n", "../v/root.img/x"})
        EXPECT_FALSE(parse_source_link(pool, link)) << link;
}

class Resolver : public ::testing::Test {
protected:
    void SetUp() override {
        tree_.add_pool("p");
        tree_.add_volume("pools/p/v", "root", "x");
        std::filesystem::create_directories(tree_.at("vms/v"));
        std::filesystem::create_symlink("../../pools/p/v/root.img", tree_.at("vms/v/root.img"));
        std::filesystem::create_symlink("../v/root.img@current", tree_.at("pools/p/v/snap.img"));
        std::filesystem::create_symlink("../../pools/p/v/snap.img", tree_.at("vms/v/snap.img"));
        std::filesystem::create_directory_symlink(tree_.at("pools/p"), tree_.at("shortcut"));
    }

    [[nodiscard]] std::string resolve(const std::string& text, const std::string& directory = "") const {
        const auto reference = ReferenceResolver(tree_.root(), directory.empty() ? "/" : tree_.at(directory)).resolve(text);
        return reference ? to_string(*reference) : "refused";
    }

    testing::FakeTree tree_;
};

TEST_F(Resolver, AbsolutePaths) {
    EXPECT_EQ(resolve(tree_.at("pools/p")), "p");
    EXPECT_EQ(resolve(tree_.at("pools/p/v/")), "p/v");
    EXPECT_EQ(resolve(tree_.at("pools/p/v/root.img")), "p/v/root");
    EXPECT_EQ(resolve(tree_.at("pools/p/v/../new/root.img@label")), "p/new/root@label");
    EXPECT_EQ(resolve(tree_.at("shortcut/v/root.img")), "p/v/root");
}

TEST_F(Resolver, RelativePaths) {
    EXPECT_EQ(resolve("root.img@2018-01-02T03:04:05Z", "pools/p/v"), "p/v/root@2018-01-02T03:04:05Z");
    EXPECT_EQ(resolve("./root.img", "pools/p/v"), "p/v/root");
    EXPECT_EQ(resolve(".", "pools/p/v"), "p/v");
    EXPECT_EQ(resolve("..", "pools/p/v"), "p");
    EXPECT_EQ(resolve("v/root.img", "pools/p"), "p/v/root");
    EXPECT_EQ(resolve("pools/p/v/root.img", "vms/.."), "p/v/root");
    EXPECT_EQ(resolve("p/v/root", "pools/p/v"), "p/v/root");
}

TEST_F(Resolver, TheViewOfVmsIsFollowedOneStep) {
    EXPECT_EQ(resolve(tree_.at("vms/v/root.img")), "p/v/root");
    EXPECT_EQ(resolve("root.img@label", "vms/v"), "p/v/root@label");
    EXPECT_EQ(resolve("snap.img", "vms/v"), "p/v/snap");
    EXPECT_EQ(resolve("snap.img", "pools/p/v"), "p/v/snap");
}

TEST_F(Resolver, RefusesOtherPaths) {
    for (const auto* text : {"/", "/etc/passwd", "/nonexistent/root.img"}) EXPECT_EQ(resolve(text), "refused") << text;
    for (const auto* file :
         {"", "pools", "vms/v", "pools/p/v/other", "pools/p/v/.varve/root/ctl", "pools/p/v/root.img/x", "vms/v/none.img", "pools/../.."})
        EXPECT_EQ(resolve(tree_.at(file)), "refused") << file;
}

}  // namespace
}  // namespace varve::mount_client
