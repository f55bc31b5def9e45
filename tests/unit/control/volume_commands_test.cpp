// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/control/control_world.h"

namespace varve::control_test {
namespace {

class VolumeCommands : public ControlWorld {
protected:
    json run(std::string_view text) { return command(place(root_), text); }

    const VolumeRef root_ = origin("fedora", "root");
};

TEST_F(VolumeCommands, StartAndStop) {
    commit(root_, "old", 4'000'000'000);  // newer than the state it replaces, so pruning keeps this one
    const auto started = run("start\n");
    EXPECT_TRUE(started.at("ok"));
    EXPECT_EQ(started.at("volume"), "p/fedora/root");
    EXPECT_EQ(started.at("result").at("device"), tree_.link(place(root_), "device").value());
    EXPECT_EQ(run("start").at("error").at("name"), "EBUSY");
    write_device(root_, "new");
    EXPECT_EQ(run("stop").dump(), json::parse(R"({"ok":true,"command":"stop","volume":"p/fedora/root",
                                                  "result":{"committed":true,"revision":"2096-10-02T07:06:40Z","removed":[]}})")
                                      .dump());
    EXPECT_EQ(run("stop").at("error").at("code"), "invalid-argument");
}

TEST_F(VolumeCommands, DiscardDropsTheSession) {
    commit(root_, "old", 1000);
    EXPECT_TRUE(run("start").at("ok"));
    write_device(root_, "new");
    EXPECT_EQ(run("discard").at("result"), json::object());
    EXPECT_EQ(read(root_), "old");
}

TEST_F(VolumeCommands, RevertKeepsALabelAndMovesATime) {
    commit(root_, "a", 1514862245);
    ASSERT_TRUE(succeeded(volumes_.take_snapshot(root_, engine_test::label("good"))));
    commit(root_, "b", 1600000000);
    EXPECT_TRUE(run("revert good").at("ok"));
    EXPECT_EQ(read(root_), "a");
    EXPECT_NE(root_.view()->revisions.find(revision("good")), nullptr);
    EXPECT_TRUE(run("revert 2020-09-13T12:26:40Z").at("ok"));
    EXPECT_EQ(read(root_), "b");
    EXPECT_EQ(root_.view()->revisions.find(revision("2020-09-13T12:26:40Z")), nullptr);
    EXPECT_EQ(run("revert nothing").at("error").at("name"), "ENOENT");
    EXPECT_EQ(run("revert @").at("error").at("name"), "EINVAL");
}

TEST_F(VolumeCommands, ResizeGrows) {
    EXPECT_EQ(run("resize 2M").at("result"), json::object());
    EXPECT_EQ(value(place(root_), "size"), "2097152\n");
    EXPECT_EQ(run("resize 1M").at("error").at("code"), "invalid-argument");
    EXPECT_EQ(run("resize 2097153").at("error").at("code"), "invalid-argument");
    EXPECT_EQ(run("resize much").at("error").at("code"), "invalid-argument");
    EXPECT_EQ(run("resize").at("error").at("message"), "usage: resize BYTES");
    EXPECT_EQ(run("resize 1 2").at("error").at("message"), "usage: resize BYTES");
}

TEST_F(VolumeCommands, ClearKeepsTheOldState) {
    commit(root_, "old", 1514862245);
    EXPECT_TRUE(run("clear").at("ok"));
    EXPECT_EQ(read(root_), "");
    EXPECT_EQ(value(place(root_), "size"), "1048576\n");
    EXPECT_EQ(read(root_, revision("2018-01-02T03:04:05Z")), "old");
}

// This driver cannot tell, and says so.
TEST_F(VolumeCommands, CompareStaysWithinTheStates) {
    commit(root_, "old", 1514862245);
    EXPECT_TRUE(run("resize 3M").at("ok"));
    ASSERT_TRUE(succeeded(volumes_.take_snapshot(root_, engine_test::label("good"))));
    EXPECT_TRUE(run("resize 4M").at("ok"));
    EXPECT_EQ(run("compare good current").at("result"), json::parse(R"({"extents":[{"offset":0,"length":4194304}]})"));
    EXPECT_EQ(run("compare good good").at("result"), json::parse(R"({"extents":[{"offset":0,"length":3145728}]})"));
    EXPECT_EQ(run("compare current bad").at("error").at("code"), "not-found");
    EXPECT_EQ(run("compare current").at("error").at("message"), "usage: compare REVISION|current REVISION|current");
    EXPECT_EQ(run("compare current @").at("error").at("name"), "EINVAL");
}

TEST_F(VolumeCommands, PruneTellsWhatItRemoved) {
    for (const auto seconds : {1514862245, 1514862246, 1514862247, 1514862248}) commit(root_, "x", seconds);
    EXPECT_EQ(run("prune").at("result").at("removed"), json::array());  // within the grace
    clock_.advance(2'000'000'000);
    const auto removed = run("prune").at("result").at("removed");
    EXPECT_TRUE(std::ranges::count(removed, json("2018-01-02T03:04:05Z")) == 1) << removed.dump();
    EXPECT_EQ(revisions(root_).size(), 1U);
}

TEST_F(VolumeCommands, ConfigureMakesAllSettingsInOneStep) {
    (void)heard_.take();
    EXPECT_EQ(run("configure rw=0 revisions_to_keep=3 \"schedule=24h 7d\"").at("result"), json::object());
    EXPECT_EQ(heard_.take(), std::vector<std::string>{"configure fedora/root"});
    EXPECT_EQ(value(place(root_), "rw"), "0\n");
    EXPECT_EQ(value(place(root_), "revisions_to_keep"), "3\n");
    EXPECT_EQ(value(place(root_), "schedule"), "24h 7d\n");
    EXPECT_TRUE(run("configure schedule=").at("ok"));
    EXPECT_EQ(value(place(root_), "schedule"), "none\n") << "as the pool has it";
}

TEST_F(VolumeCommands, RetentionForetellsAndChangesNothing) {
    for (const auto seconds : {1514862245, 1514862246, 1514862247}) commit(root_, "x", seconds);
    clock_.advance(2'000'000'000);
    const auto kept = [&](std::string_view text) {
        std::vector<std::size_t> reasons;
        const auto reply = run(text);
        for (const auto& line : reply.at("result").at("revisions")) reasons.push_back(line.at("kept").size());
        return reasons;
    };
    EXPECT_EQ(kept("retention"), (std::vector<std::size_t>{0, 0, 1}));
    EXPECT_EQ(kept("retention revisions_to_keep=2"), (std::vector<std::size_t>{0, 1, 1}));
    EXPECT_EQ(kept("retention revisions_to_keep=0 schedule=1d"), (std::vector<std::size_t>{0, 0, 1}));
    const auto told = run("retention \"schedule=24h 7d\"").at("result");
    EXPECT_EQ(told.at("schedule"), "24h 7d");
    EXPECT_EQ(told.at("revisions_to_keep"), 1);
    EXPECT_EQ(value(place(root_), "schedule"), "none\n");
    EXPECT_EQ(kept("retention"), (std::vector<std::size_t>{0, 0, 1})) << "nothing was changed";
    EXPECT_EQ(run("retention schedule=often").at("error").at("code"), "invalid-argument");
    EXPECT_TRUE(run("start").at("ok"));
    EXPECT_EQ(run("retention revisions_to_keep=-1").at("error").at("code"), "busy") << "as configure would be";
}

TEST_F(VolumeCommands, AConfigureThatIsRefusedChangesNothing) {
    EXPECT_TRUE(run("configure schedule=7d").at("ok"));
    const auto message = [&](std::string_view text) { return run(text).at("error").at("message").get<std::string>(); };
    EXPECT_NE(message("configure schedule=none revisions_to_keep=-2").find("revisions_to_keep"), std::string::npos);
    EXPECT_NE(message("configure rw=0 schedule=often").find("schedule: 'often' is no schedule"), std::string::npos);
    EXPECT_NE(message("configure rw=0 ephemeral=1").find("only a volatile volume"), std::string::npos);
    EXPECT_EQ(message("configure rw=0 size=1G"), "'size=1G' is no setting; known are rw=, ephemeral=, revisions_to_keep=, schedule=");
    EXPECT_EQ(message("configure rw=0 rw=1"), "rw is given twice");
    EXPECT_EQ(message("configure"), "usage: configure SETTING=VALUE ...");
    EXPECT_TRUE(run("start").at("ok"));
    EXPECT_EQ(run("configure schedule=none revisions_to_keep=-1").at("error").at("code"), "busy");
    EXPECT_EQ(value(place(root_), "rw"), "1\n");
    EXPECT_EQ(value(place(root_), "schedule"), "7d\n");
    EXPECT_EQ(value(place(root_), "revisions_to_keep"), "1\n");
}

TEST_F(VolumeCommands, VerifyFindsWhatIsWrongWithThisVolume) {
    EXPECT_EQ(run("verify").at("result"), json::parse(R"({"findings":[]})"));
    EXPECT_TRUE(run("start").at("ok"));
    std::filesystem::resize_file(tree_.link(place(root_), "device").value(), 1000);
    const auto findings = run("verify").at("result").at("findings");
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].at("object"), "fedora/root");
    const auto other = origin("fedora", "data");
    EXPECT_EQ(command(place(other), "verify").at("result").at("findings").size(), 0U);
    EXPECT_EQ(command(place(root_.vm), "verify").at("result").at("findings").size(), 1U);
}

TEST_F(VolumeCommands, UnknownOnesNameTheKnown) {
    const auto message = run("format").at("error").at("message").get<std::string>();
    EXPECT_NE(message.find("start, stop, commit, discard, verify, compare, clear, resize, revert, prune, retention, configure"),
              std::string::npos);
    const VolumeRef none{root_.vm, engine_test::volume_name("none")};
    for (const auto* text : {"start", "stop", "commit", "discard", "verify", "compare x current", "clear", "resize 1M", "revert x", "prune",
                             "retention", "configure rw=0"})
        EXPECT_EQ(command(place(none), text).at("error").at("name"), "ENOENT") << text;
}

}  // namespace
}  // namespace varve::control_test
