// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/vm/world.h"

#include <algorithm>
#include <fstream>
#include <future>

namespace varve::vm {
namespace {

using base::Errc;
using definitions::VmDefinition;

const auto net = named<base::VmName>("net");
const auto firewall = named<base::VmName>("firewall");

class NeedsTest : public ::testing::Test {
protected:
    void SetUp() override {
        world.define("net");
        world.define("firewall", [](VmDefinition& vm) { vm.needs = {net}; });
        world.define("log");
        world.define("work", [](VmDefinition& vm) { vm.needs = {firewall, named<base::VmName>("log")}; });
    }
    World world;
    StageLog log;
};

TEST_F(NeedsTest, AreStartedFirstInOrder) {
    const auto report = world.machines->start(work, log.listener());
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_EQ(world.guests.ever_executed, (std::vector<std::string>{"net", "firewall", "log", "work"}));
    ASSERT_EQ(report->needed.size(), 2U);
    EXPECT_EQ(report->needed[0].vm.str(), "firewall");
    ASSERT_EQ(report->needed[0].needed.size(), 1U);
    EXPECT_EQ(report->needed[0].needed[0].vm.str(), "net");
    EXPECT_TRUE(log.has("net readiness done"));
}

TEST_F(NeedsTest, ThatRunAreLeftAlone) {
    ASSERT_TRUE(world.machines->start(net, {}));
    ASSERT_TRUE(world.machines->start(work, {}));
    EXPECT_EQ(world.guests.ever_executed, (std::vector<std::string>{"net", "firewall", "log", "work"}));
}

TEST_F(NeedsTest, ThatArePausedAreAnError) {
    ASSERT_TRUE(world.machines->start(net, {}));
    ASSERT_TRUE(world.machines->pause(net));
    const auto failed = world.machines->start(firewall, {});
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().message(),
              "starting firewall failed at the stage 'needs': firewall needs net, which is paused: resume it first");
    EXPECT_FALSE(world.machines->start(work, {}));
    EXPECT_EQ(world.state("work"), VmState::Halted);
    EXPECT_EQ(world.state("net"), VmState::Paused);
}

TEST_F(NeedsTest, ThatFailAreNamed) {
    world.hypervisor->fail_next("create_paused", {Errc::Io, {}, "this is broken"});
    const auto failed = world.machines->start(work, log.listener());
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Errc::Io);
    EXPECT_EQ(failed.error().message(), "starting work failed at the stage 'needs': work needs firewall, which could not be started");
    EXPECT_EQ(world.machines->info(work)->trouble, failed.error().message()) << "who sees work may not see net";
    EXPECT_EQ(world.machines->info(firewall)->trouble,
              "starting firewall failed at the stage 'needs': firewall needs net, which could not be started");
    EXPECT_EQ(world.machines->info(net)->trouble, "starting net failed at the stage 'create': this is broken");
    EXPECT_TRUE(log.has("net create failed"));
    EXPECT_EQ(world.domains(), std::vector<std::string>{});
}

TEST_F(NeedsTest, AreStoppedAgainWhenTheStartFails) {
    world.volumes.volumes.erase("fast/work/data");
    const auto failed = world.machines->start(work, log.listener());
    ASSERT_FALSE(failed);
    EXPECT_EQ(world.domains(), std::vector<std::string>{});
    EXPECT_TRUE(log.has("work needs undone"));
    for (const auto* vm : {"net", "firewall", "log"}) EXPECT_EQ(world.state(vm), VmState::Halted) << vm;
}

TEST_F(NeedsTest, ThatRanBeforeStayWhenTheStartFails) {
    ASSERT_TRUE(world.machines->start(net, {}));
    world.volumes.volumes.erase("fast/work/data");
    ASSERT_FALSE(world.machines->start(work, {}));
    EXPECT_EQ(world.domains(), std::vector<std::string>{"net"});
}

TEST_F(NeedsTest, AreStartedOnceForTwo) {
    world.define("play", [](VmDefinition& vm) { vm.needs = {firewall}; });
    auto other = std::async(std::launch::async, [&] { return world.machines->start(named<base::VmName>("play"), {}); });
    const auto first = world.machines->start(work, {});
    const auto second = other.get();
    EXPECT_TRUE(first) << first.error().message();
    EXPECT_TRUE(second) << second.error().message();
    EXPECT_EQ(std::ranges::count(world.guests.ever_executed, "net"), 1);
    EXPECT_EQ(std::ranges::count(world.guests.ever_executed, "firewall"), 1);
}

// A stop of what it needs has begun when it looks.
class StoppingNeedsTest : public NeedsTest {
protected:
    // The start of the firewall, which begins when the stop of net asks whether anything is against it.
    base::Result<StartReport> start_in(base::Result<> agreed) {
        EXPECT_TRUE(world.machines->start(net, {}));
        std::future<base::Result<StartReport>> starting;
        StopRequest request;
        request.agree = [&] {
            starting = std::async(std::launch::async, [&] { return world.machines->start(firewall, {}); });
            EXPECT_TRUE(world.events.wait_for("firewall", VmState::Starting));
            return agreed;
        };
        EXPECT_EQ(static_cast<bool>(world.machines->stop(net, request, {})), static_cast<bool>(agreed));
        return starting.get();
    }
};

TEST_F(StoppingNeedsTest, AStopThatIsCalledOffIsNotInTheWay) {
    const auto started = start_in(base::fail(Errc::Busy, "the firewall needs it"));
    EXPECT_TRUE(started) << started.error().message();
    EXPECT_EQ(world.guests.ever_executed, (std::vector<std::string>{"net", "firewall"}));
    EXPECT_EQ(world.state("net"), VmState::Running);
}

TEST_F(StoppingNeedsTest, OneThatIsNotIsWaitedForAndItStartsAgain) {
    const auto started = start_in({});
    EXPECT_TRUE(started) << started.error().message();
    EXPECT_EQ(world.guests.ever_executed, (std::vector<std::string>{"net", "net", "firewall"}));
    EXPECT_EQ(world.state("net"), VmState::Running);
}

// The start that fails is stopping what it started when another one begins that needs it.
TEST_F(NeedsTest, ThatAnotherStartReliesOnRunOn) {
    world.volumes.volumes.erase("fast/work/data");
    std::future<base::Result<StartReport>> another;
    ASSERT_FALSE(world.machines->start(work, [&](const StageEvent& event) {
        if (event.vm != net || event.stage != Stage::Shutdown || event.what != StageEvent::What::Began) return;
        another = std::async(std::launch::async, [&] { return world.machines->start(firewall, {}); });
        EXPECT_TRUE(world.events.wait_for("firewall", VmState::Stopping));
        EXPECT_TRUE(test_support::eventually([&] { return world.state("firewall") == VmState::Starting; }));
    }));
    ASSERT_TRUE(another.valid()) << "its stages are told";
    const auto started = another.get();
    EXPECT_TRUE(started) << started.error().message();
    EXPECT_EQ(world.domains(), (std::vector<std::string>{"firewall", "net"}));
    EXPECT_EQ(std::ranges::count(world.guests.ever_executed, "net"), 1);
}

TEST_F(NeedsTest, ThatDoNotExistAreAnError) {
    // The store refuses both; a file that somebody wrote by hand does not.
    std::filesystem::remove(world.directory / "vms" / "log.toml");
    world.end_orchestrator();
    world.definitions.reset();
    world.definitions = definitions::DefinitionStore::open(world.directory).value();
    world.start_orchestrator();
    const auto failed = world.machines->start(work, {});
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Errc::InvalidArgument);
    EXPECT_EQ(failed.error().message(), "starting work failed at the stage 'needs': it needs 'log', which does not exist");
    EXPECT_EQ(world.guests.ever_executed, std::vector<std::string>{}) << "nothing is started in vain";
    EXPECT_EQ(world.machines->info(work).value().trouble, failed.error().message());
    EXPECT_EQ(world.state("work"), VmState::Halted);
}

TEST_F(NeedsTest, ThatGoInACircleAndUnknownTemplatesNameTheStage) {
    const auto rewrite = [&](const std::string& vm, const std::string& text) {
        std::ofstream(world.directory / "vms" / (vm + ".toml")) << text;
    };
    rewrite("net", "class = \"standalone\"\nneeds = [\"work\"]\n");
    rewrite("log", "class = \"app\"\ntemplate = \"gone\"\n");
    world.end_orchestrator();
    world.definitions.reset();
    world.definitions = definitions::DefinitionStore::open(world.directory).value();
    world.start_orchestrator();
    const auto circle = world.machines->start(work, log.listener());
    ASSERT_FALSE(circle);
    EXPECT_EQ(circle.error().message(),
              "starting work failed at the stage 'needs': VMs need each other in a circle: work needs firewall needs net needs work");
    EXPECT_TRUE(log.has("work needs failed"));
    const auto gone = world.machines->start(named<base::VmName>("log"), {});
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().message(), "starting log failed at the stage 'needs': its template 'gone' does not exist");
    EXPECT_EQ(world.guests.ever_executed, std::vector<std::string>{});
}

}  // namespace
}  // namespace varve::vm
