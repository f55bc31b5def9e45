// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/control/control_world.h"

namespace varve::control_test {
namespace {

using control::EntryType;

class TreeTest : public ControlWorld {
protected:
    std::set<std::string> names(const control::Place& at) const {
        std::set<std::string> found;
        for (const auto& entry : tree_.entries(at)) found.insert(entry.name);
        return found;
    }
};

TEST_F(TreeTest, EveryPlaceHasItsFiles) {
    const auto root = origin("vm", "root");
    EXPECT_EQ(names({}), (std::set<std::string>{"version", "ctl", "errors", "events", "operations", "metrics"}));
    EXPECT_EQ(names(pool_place()), (std::set<std::string>{"driver", "config", "size", "usage", "included_in", "revisions_to_keep",
                                                          "schedule", "prune_below", "volumes", "revisions", "shares"}));
    EXPECT_EQ(names(place(root.vm)), (std::set<std::string>{"ctl", "root"}));
    EXPECT_EQ(names(place(root)),
              (std::set<std::string>{"kind", "source", "state", "outdated", "rw", "size", "usage", "exclusive", "shares",
                                     "revisions_to_keep", "schedule", "ephemeral", "config", "revisions", "ctl", "blockers"}));
    EXPECT_TRUE(names({pool_, root.vm, engine_test::volume_name("none")}).empty());
    EXPECT_EQ(tree_.find(place(root), "rw")->type, EntryType::WritableValue);
    EXPECT_EQ(tree_.find(place(root), "kind")->type, EntryType::Value);
    EXPECT_EQ(tree_.find(place(root.vm), "root")->type, EntryType::Directory);
    EXPECT_FALSE(tree_.find(place(root), "nothing").has_value());
}

TEST_F(TreeTest, DeviceAndBaseExistWhileStarted) {
    const auto root = origin("fedora", "root");
    const auto app = snapshot("work", "root", root);
    EXPECT_TRUE(failed(tree_.link(place(app), "device"), Errc::NotFound));
    ASSERT_TRUE(succeeded(volumes_.start(app)));
    EXPECT_EQ(tree_.find(place(app), "device")->type, EntryType::Link);
    EXPECT_EQ(tree_.find(place(app), "base")->type, EntryType::State);
    EXPECT_TRUE(succeeded(tree_.link(place(app), "device")));
    ASSERT_TRUE(succeeded(volumes_.start(root)));
    EXPECT_FALSE(tree_.find(place(root), "base").has_value());
}

TEST_F(TreeTest, EveryListedValueCanBeRead) {
    const auto root = origin("vm", "root");
    for (const auto& at : {control::Place{}, pool_place(), place(root)})
        for (const auto& entry : tree_.entries(at)) {
            const bool readable =
                entry.type == EntryType::Value || entry.type == EntryType::OwnersValue || entry.type == EntryType::WritableValue;
            EXPECT_EQ(tree_.read(at, entry.name, 0).has_value(), readable) << entry.name;
        }
    EXPECT_TRUE(failed(tree_.read({}, "none", 0), Errc::NotFound));
    EXPECT_TRUE(failed(tree_.read(place(root.vm), "ctl", 0), Errc::NotFound));
}

TEST_F(TreeTest, ErrorsAreShownToTheirUserAndToRoot) {
    failures_.add({{1514862245, 0}, 12, 1000, "rename", "pools/p/vm/root.img", {Errc::Busy, {}, "it runs"}});
    failures_.add(
        {{1514862246, 0}, 13, 1001, "unlink", "pools/p/vm/\xff.img", {Errc::Io, std::error_code(EMFILE, std::generic_category()), "no"}});
    const auto mine = tree_.read({}, "errors", 1000).value();
    const auto line = json::parse(mine);
    EXPECT_EQ(line, json::parse(R"({"time":"2018-01-02T03:04:05Z","pid":12,"uid":1000,"operation":"rename","path":"pools/p/vm/root.img",
                                    "code":"busy","errno":16,"name":"EBUSY","message":"it runs"})"));
    EXPECT_EQ(std::ranges::count(tree_.read({}, "errors", 0).value(), '\n'), 2);
    EXPECT_EQ(tree_.read({}, "errors", 7).value(), "");
}

TEST_F(TreeTest, RootCommandsReachTheAdministration) {
    EXPECT_EQ(value({}, "version"), "varve " VARVE_VERSION "\nspeed high\n");
    EXPECT_TRUE(command({}, "pool-add q sim \"size=1 G\"\n").at("ok"));
    EXPECT_EQ(administration_.added, (std::vector<std::string>{"q", "sim", "size=1 G"}));
    administration_.reloaded = {{"new"}, {"old"}, {{"fast", "schedule"}}, {{"", "min_free"}, {"fast", "dir_path"}}};
    EXPECT_EQ(command({}, "reload").at("result"), json::parse(R"({"opened":["new"],"closed":["old"],
        "changed":[{"pool":"fast","key":"schedule"}],"needs_restart":[{"key":"min_free"},{"pool":"fast","key":"dir_path"}]})"));
    EXPECT_EQ(administration_.reloads, 1);
    EXPECT_EQ(command({}, "pool-rm q").at("error").at("name"), "ENOENT");
    EXPECT_EQ(command({}, "pool-rm ../q").at("error").at("code"), "invalid-name");
    const auto unknown = command({}, "start").at("error").at("message").get<std::string>();
    EXPECT_TRUE(command({}, "pool-convert q").at("ok"));
    EXPECT_EQ(administration_.converted, "q");
    EXPECT_EQ(command({}, "pool-convert ../q").at("error").at("code"), "invalid-name");
    EXPECT_NE(unknown.find("pool-add, pool-rm, pool-convert, reload"), std::string::npos);
    EXPECT_NE(command({}, "pool-add q").at("error").at("message").get<std::string>().find("usage: pool-add NAME DRIVER"),
              std::string::npos);
    EXPECT_EQ(command(pool_place(), "start").at("error").at("code"), "not-found");
}

TEST_F(TreeTest, BrokenCommandsAreRefused) {
    for (const auto* text : {"", "\n", "\"open", "a\nb"}) EXPECT_EQ(command({}, text).at("error").at("code"), "invalid-argument") << text;
    EXPECT_EQ(command({}, std::string(5000, 'x')).at("error").at("code"), "too-large");
}

}  // namespace
}  // namespace varve::control_test
