// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/control/control_world.h"

namespace varve::control_test {
namespace {

class VmCommands : public ControlWorld {
protected:
    json run(std::string_view text) { return command(place(vm("work")), text); }

    static std::set<std::string> subjects(const json& reply) {
        std::set<std::string> names;
        for (const auto& each : reply.at("volumes")) names.insert(each.at("volume").get<std::string>());
        return names;
    }

    const VolumeRef template_ = origin("fedora", "root");
};

TEST_F(VmCommands, StartAndStopAllVolumes) {
    const auto root = snapshot("work", "root", template_);
    const auto data = origin("work", "data");
    const auto swap = volatile_volume("work", "swap");
    const auto reply = run("start");
    EXPECT_TRUE(reply.at("ok"));
    EXPECT_EQ(reply.at("vm"), "p/work");
    EXPECT_EQ(subjects(reply), (std::set<std::string>{"p/work/root", "p/work/data", "p/work/swap"}));
    for (const auto& each : reply.at("volumes")) EXPECT_TRUE(each.at("result").contains("device"));
    write_device(data, "new");
    const auto again = run("start");
    EXPECT_EQ(again.at("error").at("name"), "EBUSY");
    EXPECT_TRUE(again.at("volumes").empty());
    const auto stopped = run("stop");
    EXPECT_TRUE(stopped.at("ok"));
    EXPECT_EQ(stopped.at("volumes").size(), 3U);
    EXPECT_EQ(read(data), "new");
    EXPECT_FALSE(root.view()->session.has_value());
    const auto nothing = run("stop");
    EXPECT_TRUE(nothing.at("ok"));
    EXPECT_TRUE(nothing.at("volumes").empty());
}

TEST_F(VmCommands, AFailedStartStopsWhatItHadStarted) {
    const auto data = origin("work", "data");
    const auto swap = volatile_volume("work", "swap");
    const auto layerless = origin("work", "plain");
    ASSERT_TRUE(succeeded(tree_.write(place(layerless), "revisions_to_keep", "-1")));
    (void)origin("work", "empty", base::Bytes{0});
    const auto reply = run("start");
    EXPECT_FALSE(reply.at("ok"));
    EXPECT_EQ(subjects(reply), std::set<std::string>{"p/work/empty"});
    EXPECT_EQ(reply.at("error").at("code"), "invalid-argument");
    for (const auto& volume : {data, swap, layerless}) EXPECT_FALSE(volume.view()->session.has_value()) << volume.path().str();
    EXPECT_TRUE(layerless.view()->committed.has_value());
}

TEST_F(VmCommands, OneRunningVolumeStopsTheWholeStart) {
    const auto data = origin("work", "data");
    const auto root = origin("work", "root");
    ASSERT_TRUE(succeeded(volumes_.start(data)));
    EXPECT_EQ(run("start").at("error").at("code"), "busy");
    EXPECT_TRUE(started(data));
    EXPECT_FALSE(started(root));
}

TEST_F(VmCommands, DirtyVolumesAreContinuedStoppedOrDiscarded) {
    const auto data = origin("work", "data");
    ASSERT_TRUE(succeeded(volumes_.start(data)));
    write_device(data, "unsaved");
    reboot();
    (void)origin("work", "empty", base::Bytes{0});
    const VolumeRef again{vm("work"), data.volume};
    EXPECT_FALSE(run("start").at("ok"));
    EXPECT_EQ(value(place(again), "state"), "dirty\n");  // what it holds survives the failed start
    const auto stopped = run("stop");
    EXPECT_EQ(subjects(stopped), std::set<std::string>{"p/work/data"});
    EXPECT_EQ(read(again), "unsaved");
}

TEST_F(VmCommands, DiscardDropsAllSessions) {
    const auto data = origin("work", "data");
    EXPECT_TRUE(run("start").at("ok"));
    write_device(data, "x");
    EXPECT_TRUE(run("discard").at("ok"));
    EXPECT_EQ(read(data), "");
}

TEST_F(VmCommands, RemovedVolumesDoNotKeepAVmFromStarting) {
    const auto gone = origin("work", "gone");
    commit(gone, "x", 1000);
    ASSERT_TRUE(succeeded(volumes_.remove(gone)));
    (void)origin("work", "data");
    EXPECT_EQ(subjects(run("start")), std::set<std::string>{"p/work/data"});
}

TEST_F(VmCommands, CreateMakesAllKinds) {
    EXPECT_TRUE(run("create volatile volatile 12G").at("ok"));
    EXPECT_TRUE(run("create root snapshot ../fedora/root.img").at("ok"));
    EXPECT_TRUE(run("create data origin 10G").at("ok"));
    EXPECT_TRUE(run("create home origin_snapshot \"../fedora/root.img\"\n").at("ok"));
    const auto at = [&](std::string_view name) { return place(VolumeRef{vm("work"), engine_test::volume_name(name)}); };
    EXPECT_EQ(value(at("volatile"), "size"), "12884901888\n");
    EXPECT_EQ(value(at("root"), "source"), "../fedora/root.img\n");
    EXPECT_EQ(value(at("data"), "size"), "10737418240\n");
    EXPECT_EQ(value(at("home"), "kind"), "origin_snapshot\n");
    EXPECT_EQ(value(at("home"), "state"), "halted\n");
}

TEST_F(VmCommands, CreateMakesSettingsInTheSameStep) {
    (void)vm("work");
    (void)heard_.take();
    EXPECT_TRUE(run("create data origin 10G rw=0 revisions_to_keep=3 \"schedule=24h 7d\"").at("ok"));
    EXPECT_EQ(heard_.take(), std::vector<std::string>{"create work/data"});
    const auto data = place(VolumeRef{vm("work"), engine_test::volume_name("data")});
    EXPECT_EQ(value(data, "rw"), "0\n");
    EXPECT_EQ(value(data, "revisions_to_keep"), "3\n");
    EXPECT_EQ(value(data, "schedule"), "24h 7d\n");
    for (const auto* wrong : {"create x origin 1G rw=2", "create x origin 1G revisions_to_keep=-2", "create x origin 1G ephemeral=1",
                              "create x origin 1G size=1G", "create x origin 1G rw=0 rw=0", "create x origin 1G read-only"}) {
        EXPECT_EQ(run(wrong).at("error").at("code"), "invalid-argument") << wrong;
        EXPECT_EQ(value(place(VolumeRef{vm("work"), engine_test::volume_name("x")}), "kind"), "(not-found)") << wrong;
    }
}

TEST_F(VmCommands, CreateRefusesWhatIsWrong) {
    const auto code = [&](std::string_view text) { return run(text).at("error").at("code").get<std::string>(); };
    EXPECT_EQ(code("create data origin"), "invalid-argument");
    EXPECT_EQ(code("create Data origin 1G"), "invalid-name");
    EXPECT_EQ(code("create ctl origin 1G"), "invalid-name");
    EXPECT_EQ(code("create data disk 1G"), "invalid-argument");
    EXPECT_EQ(code("create data origin 513"), "invalid-argument");
    EXPECT_EQ(code("create data origin many"), "invalid-argument");
    EXPECT_EQ(code("create data snapshot ../../other/vm/root.img"), "cross-pool");
    EXPECT_EQ(code("create data snapshot data.img"), "invalid-argument");
    (void)origin("work", "data");
    EXPECT_EQ(code("create data origin 1G"), "exists");
    EXPECT_NE(run("build").at("error").at("message").get<std::string>().find("start, stop, commit, discard, verify, create"),
              std::string::npos);
}

}  // namespace
}  // namespace varve::control_test
