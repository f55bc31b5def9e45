// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/domain_xml/description.h"
#include "tests/unit/vm/world.h"

#include <algorithm>
#include <fstream>
#include <future>

namespace varve::vm {
namespace {

using base::Errc;
using definitions::VmDefinition;

class StartTest : public ::testing::Test {
protected:
    // As if nobody had tried.
    void expect_untouched(const std::string& vm = "work") {
        EXPECT_EQ(world.domains(), std::vector<std::string>{});
        for (const auto* volume : {"root", "data"}) {
            const auto found = world.volume("fast/" + vm + "/" + volume);
            EXPECT_EQ(found.state, VolumeState::Halted) << volume;
            EXPECT_EQ(found.content, "old") << volume;
            EXPECT_EQ(found.commits, 0) << volume;
        }
        EXPECT_FALSE(world.has_record(vm));
        EXPECT_EQ(world.state(vm), VmState::Halted);
    }

    World world;
    StageLog log;
};

TEST_F(StartTest, GoesStageByStage) {
    world.define("work");
    const auto report = world.machines->start(work, log.listener());
    ASSERT_TRUE(report) << report.error().message();
    const std::vector<std::string> expected{"work halted began",  "work halted done",  "work needs began",     "work needs done",
                                            "work verify began",  "work verify done",  "work memory began",    "work memory done",
                                            "work volumes began", "work volumes done", "work create began",    "work create done",
                                            "work resume began",  "work resume done",  "work readiness began", "work readiness done"};
    EXPECT_EQ(log.lines(), expected);
    std::vector<Stage> timed;
    for (const auto& timing : report->stages) timed.push_back(timing.stage);
    EXPECT_EQ(timed, (std::vector<Stage>{Stage::Halted, Stage::Needs, Stage::Verify, Stage::Memory, Stage::Volumes, Stage::Create,
                                         Stage::Resume, Stage::Readiness}));
    EXPECT_EQ(world.state("work"), VmState::Running);
    EXPECT_EQ(world.volume("fast/work/root").state, VolumeState::Started);
    EXPECT_EQ(world.domains(), std::vector<std::string>{"work"});
    EXPECT_EQ(world.guests.ever_executed, std::vector<std::string>{"work"});
    EXPECT_TRUE(world.events.wait_for("work", VmState::Running));
}

TEST_F(StartTest, GivesTheGuestItsDisks) {
    world.define("work", [](VmDefinition& vm) { vm.volumes[0].rw = false; });
    world.volumes.volumes["fast/work/data"].rw = false;
    ASSERT_TRUE(world.machines->start(work, {}));
    const auto disks = world.machines->disks(work);
    ASSERT_TRUE(disks) << disks.error().message();
    ASSERT_EQ(disks->size(), 2U);
    EXPECT_EQ(disks->at(0).source, "/devices/fast/work/root");
    EXPECT_TRUE(disks->at(0).read_only) << "the definition says so";
    EXPECT_TRUE(disks->at(1).read_only) << "the volume says so";
}

TEST_F(StartTest, TellsWhatVerifyFound) {
    world.define("work");
    world.volumes.findings = {"appvms/work/x: it is odd"};
    const auto report = world.machines->start(work, {});
    ASSERT_TRUE(report);
    EXPECT_EQ(report->findings, world.volumes.findings);
}

TEST_F(StartTest, RefusesWhatRunsAlready) {
    world.define("work");
    ASSERT_TRUE(world.machines->start(work, {}));
    const auto again = world.machines->start(work, {});
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Errc::Busy);
    EXPECT_NE(again.error().message().find("stage 'halted'"), std::string::npos) << again.error().message();
    EXPECT_EQ(world.state("work"), VmState::Running);
    EXPECT_EQ(world.guests.ever_executed.size(), 1U);
}

TEST_F(StartTest, RefusesUnknownVms) { EXPECT_EQ(world.machines->start(work, {}).error().code, Errc::NotFound); }

// ---- failures

base::Error broken() { return {Errc::Io, {}, "this is broken"}; }

struct Failing {
    std::string name;
    std::function<void(World&)> arrange;
    std::string stage;
    Errc code;
    std::string cause;
};
void PrintTo(const Failing& failing, std::ostream* out) { *out << failing.name; }

class FailingStage : public StartTest, public ::testing::WithParamInterface<Failing> {};

TEST_P(FailingStage, UndoesTheEarlierOnesAndIsNamed) {
    world.define("work", [](VmDefinition& vm) {
        if (GetParam().stage == "readiness") vm.readiness = {definitions::AgentReady{}, std::chrono::milliseconds(20)};
    });
    GetParam().arrange(world);
    const auto report = world.machines->start(work, log.listener());
    ASSERT_FALSE(report);
    const auto message = report.error().message();
    EXPECT_EQ(report.error().code, GetParam().code) << message;
    EXPECT_TRUE(message.starts_with("starting work failed at the stage '" + GetParam().stage + "': ")) << message;
    EXPECT_NE(message.find(GetParam().cause), std::string::npos) << message;
    EXPECT_TRUE(log.has("work " + GetParam().stage + " failed"));
    EXPECT_EQ(world.state("work"), VmState::Halted);
    if (GetParam().stage != "halted") {
        EXPECT_EQ(world.machines->info(work).value().trouble, message);
    }
    EXPECT_FALSE(world.has_record("work"));
    for (const auto* volume : {"fast/work/root", "fast/work/data"})
        if (world.volumes.volumes.contains(volume)) {
            EXPECT_EQ(world.volume(volume).content, "old");
        }
}

TEST_P(FailingStage, LeavesNothingStarted) {
    world.define("work", [](VmDefinition& vm) {
        if (GetParam().stage == "readiness") vm.readiness = {definitions::AgentReady{}, std::chrono::milliseconds(20)};
    });
    GetParam().arrange(world);
    const auto before = world.volumes.volumes;
    ASSERT_FALSE(world.machines->start(work, {}));
    for (const auto& [name, volume] : before) EXPECT_EQ(world.volume(name).state, volume.state) << name;
    EXPECT_EQ(std::ranges::count(world.domains(), "work"), GetParam().name == "foreign" ? 1 : 0);
}

INSTANTIATE_TEST_SUITE_P(
    All, FailingStage,
    ::testing::Values(
        Failing{"foreign", [](World& world) { world.hypervisor->add_foreign("work"); }, "halted", Errc::Exists, "is not Varve's"},
        Failing{"hypervisorDown", [](World& world) { world.hypervisor->disconnect(); }, "halted", Errc::Io, "does not answer"},
        Failing{"volumeMissing", [](World& world) { world.volumes.volumes.erase("fast/work/data"); }, "verify", Errc::NotFound,
                "fast/work/data"},
        Failing{"volumeRemoved", [](World& world) { world.volumes.volumes["fast/work/data"].state = VolumeState::Removed; }, "verify",
                Errc::NotFound, "varve revert"},
        Failing{"volumeEmpty", [](World& world) { world.volumes.volumes["fast/work/data"].size = {}; }, "verify", Errc::InvalidArgument,
                "size of 0"},
        Failing{"volumeInUse", [](World& world) { world.volumes.volumes["fast/work/data"].state = VolumeState::Started; }, "verify",
                Errc::Busy, "started already"},
        Failing{"memory", [](World& world) { world.guests.free_memory = {std::uint64_t{256} << 20}; }, "memory", Errc::NoSpace,
                "256.0 MiB"},
        Failing{"memoryUnknown", [](World& world) { world.hypervisor->fail_next("free_memory", broken()); }, "memory", Errc::Io,
                "this is broken"},
        Failing{"firstVolume", [](World& world) { world.storage->fail_next("start fast/work/root", broken()); }, "volumes", Errc::Io,
                "this is broken"},
        Failing{"lastVolume", [](World& world) { world.storage->fail_next("start fast/work/data", broken()); }, "volumes", Errc::Io,
                "this is broken"},
        Failing{"create", [](World& world) { world.hypervisor->fail_next("create_paused", broken()); }, "create", Errc::Io,
                "this is broken"},
        Failing{"resume", [](World& world) { world.hypervisor->fail_next("resume", broken()); }, "resume", Errc::Io, "this is broken"},
        Failing{"neverReady", [](World&) {}, "readiness", Errc::TimedOut, "guest agent did not connect"},
        Failing{"diesWhileBooting",
                [](World& world) {
                    world.hypervisor->on_resume(
                        [&world](const auto& domain) { world.hypervisor->guest_ends(domain.name, hypervisor::StopReason::Crashed); });
                },
                "readiness", Errc::Io, "the domain has gone"},
        Failing{"agentConnectsButIsSilent",
                [](World& world) {
                    world.hypervisor->on_resume([&world](const auto& domain) { world.hypervisor->agent_connects(domain.name); });
                    world.hypervisor->fail_next("ping_agent", {Errc::TimedOut, {}, "no answer"});
                },
                "readiness", Errc::TimedOut, "no answer"}),
    [](const auto& info) { return info.param.name; });

TEST_F(StartTest, KeepsWhatAGuestWroteThatWasNeverReady) {
    world.define("work", [](VmDefinition& vm) { vm.readiness = {definitions::AgentReady{}, std::chrono::milliseconds(20)}; });
    world.hypervisor->on_resume([this](const auto&) { world.guest_writes("fast/work/data", "new"); });
    ASSERT_FALSE(world.machines->start(work, {}));
    EXPECT_EQ(world.volume("fast/work/data").content, "new");
    EXPECT_EQ(world.volume("fast/work/data").state, VolumeState::Halted);
}

TEST_F(StartTest, LeavesADirtyVolumeUncommittedWhenItFails) {
    world.define("work");
    world.volumes.volumes["fast/work/data"].state = VolumeState::Dirty;
    world.volumes.volumes["fast/work/data"].uncommitted = "half done";
    world.hypervisor->fail_next("create_paused", broken());
    ASSERT_FALSE(world.machines->start(work, {}));
    EXPECT_EQ(world.volume("fast/work/root").state, VolumeState::Halted);
    EXPECT_EQ(world.volume("fast/work/data").content, "old");
    EXPECT_EQ(world.volume("fast/work/data").uncommitted, "half done");
    EXPECT_EQ(world.state("work"), VmState::Halted);
    // The next start goes on with it, also that of the next orchestrator.
    world.start_orchestrator();
    (void)world.machines->recover();
    const auto again = world.machines->start(work, {});
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(world.volume("fast/work/data").uncommitted, "half done");
}

TEST_F(StartTest, StopsWhatCannotBeDiscarded) {
    world.define("work");
    world.storage->fail_next("discard fast/work/root", {Errc::Unsupported, {}, "there is no layer"});
    world.hypervisor->fail_next("create_paused", broken());
    ASSERT_FALSE(world.machines->start(work, {}));
    expect_untouched();
}

// The hypervisor goes in the middle: whether the guest exists is not known, so its disks are left alone.
TEST_F(StartTest, LeavesTheVolumesOfADomainThatMayExist) {
    world.define("work");
    world.hypervisor->on_resume([this](const auto&) { world.hypervisor->disconnect(); });
    world.define("other");
    world.hypervisor->fail_next("destroy", broken());
    world.hypervisor->fail_next("resume", broken());
    const auto failed = world.machines->start(work, {});
    ASSERT_FALSE(failed);
    EXPECT_NE(failed.error().message().find("could not be undone: this is broken"), std::string::npos) << failed.error().message();
    EXPECT_EQ(world.volume("fast/work/root").state, VolumeState::Started);
    EXPECT_TRUE(world.has_record("work"));
    EXPECT_EQ(world.state("work"), VmState::Unknown);
    EXPECT_EQ(world.machines->start(work, {}).error().code, Errc::Busy);
    // It answers again: what was begun goes on, since its record says that it was to run.
    world.hypervisor->reconnect();
    EXPECT_TRUE(world.events.wait_for("work", VmState::Running));
}

// Nobody has to wait for a hypervisor then.
TEST_F(StartTest, IsHaltedWhenOnlyItsVolumesCannotBeUndone) {
    world.define("work");
    world.hypervisor->fail_next("create_paused", broken());
    world.storage->fail_next("discard fast/work/root", {Errc::Io, {}, "somebody has it open"});
    const auto failed = world.machines->start(work, {});
    ASSERT_FALSE(failed);
    EXPECT_NE(failed.error().message().find("could not be undone: somebody has it open"), std::string::npos) << failed.error().message();
    EXPECT_EQ(world.state("work"), VmState::Halted);
    EXPECT_EQ(world.machines->info(work)->trouble, failed.error().message());
    EXPECT_TRUE(world.has_record("work"));
    const auto again = world.machines->start(work, {});
    EXPECT_TRUE(again) << again.error().message();
}

TEST_F(StartTest, KeepsWhatAGuestWroteWhenThatCannotBeDoneAtOnce) {
    world.define("work", [](VmDefinition& vm) { vm.readiness = {definitions::AgentReady{}, std::chrono::milliseconds(20)}; });
    world.hypervisor->on_resume([this](const auto&) { world.guest_writes("fast/work/data", "new"); });
    world.storage->fail_next("stop fast/work/data", {Errc::NoSpace, {}, "fast is full"});
    ASSERT_FALSE(world.machines->start(work, {}));
    EXPECT_EQ(world.state("work"), VmState::Halted);
    EXPECT_EQ(world.volume("fast/work/data").content, "old");
    // A removal, a start, or the storage itself when it is back: each finishes it.
    world.machines->storage_came();
    EXPECT_TRUE(test_support::eventually([&] { return !world.has_record("work"); }));
    EXPECT_EQ(world.volume("fast/work/data").content, "new");
    EXPECT_TRUE(test_support::eventually([&] { return world.machines->info(work)->trouble.empty(); }));
}

TEST_F(StartTest, MentionsADomainTemplateThatIsNotThere) {
    world.define("work", [](VmDefinition& vm) { vm.domain_xml = "/nonexistent/work.xml"; });
    const auto failed = world.machines->start(work, {});
    ASSERT_FALSE(failed);
    EXPECT_NE(failed.error().message().find("stage 'create'"), std::string::npos) << failed.error().message();
    EXPECT_NE(failed.error().message().find("/nonexistent/work.xml"), std::string::npos) << failed.error().message();
    expect_untouched();
}

TEST_F(StartTest, UsesTheVmsOwnTemplate) {
    const auto file = world.directory / "own.xml";
    std::ofstream(file) << "<domain type='test'><title>mine</title></domain>";
    world.define("work", [&](VmDefinition& vm) { vm.domain_xml = file; });
    ASSERT_TRUE(world.machines->start(work, {}));
    EXPECT_NE(world.guests.guests.begin()->second.xml.find("<title>mine</title>"), std::string::npos);
}

// ---- readiness

TEST_F(StartTest, IsDoneWhenTheAgentAnswers) {
    world.define("work", [](VmDefinition& vm) { vm.readiness = {definitions::AgentReady{}, std::chrono::seconds(10)}; });
    world.hypervisor->on_resume([this](const auto& domain) { world.hypervisor->agent_connects(domain.name); });
    const auto started = world.machines->start(work, {});
    ASSERT_TRUE(started) << started.error().message();
    const auto calls = world.hypervisor->calls();
    EXPECT_EQ(std::ranges::count(calls, "ping_agent"), 1);
}

TEST_F(StartTest, IsDoneWhenTheAgentConnectedWhileTheHypervisorDidNotAnswer) {
    world.define("work", [](VmDefinition& vm) { vm.readiness = {definitions::AgentReady{}, 10 * test_support::patience}; });
    const auto connects_unheard = [this] {
        world.hypervisor->disconnect();
        {
            const std::scoped_lock lock(world.guests.mutex);
            for (auto& [uuid, guest] : world.guests.guests) guest.agent = true;
        }
        world.hypervisor->reconnect();
    };
    // Once readiness has looked.
    world.hypervisor->on_resume([&](const auto&) { world.hypervisor->after_next("description", connects_unheard); });
    auto starting = std::async(std::launch::async, [&] { return world.machines->start(work, {}); });
    EXPECT_EQ(starting.wait_for(test_support::patience), std::future_status::ready) << "long before its deadline";
    world.hypervisor->guest_ends("work", hypervisor::StopReason::Shutdown);
    const auto started = starting.get();
    EXPECT_TRUE(started) << started.error().message();
}

TEST_F(StartTest, IsDoneWhenTheSerialConsoleSaysSo) {
    world.define("work", [](VmDefinition& vm) {
        vm.readiness = {definitions::SerialLineReady{named<definitions::TextLine>("guest ready")}, std::chrono::seconds(10)};
    });
    std::ofstream(world.directory / "work.log") << "guest ready\n";  // of an earlier guest
    std::future<void> booting;
    world.hypervisor->on_resume([&](const auto&) {
        std::ofstream log(world.directory / "work.log", std::ios::trunc);
        log << "Linux version 6.1\r\n" << std::flush;
        booting = std::async(std::launch::async,
                             [file = world.directory / "work.log"] { std::ofstream(file, std::ios::app) << "guest ready\r\n"; });
    });
    const auto started = world.machines->start(work, {});
    EXPECT_TRUE(started) << started.error().message();
    EXPECT_NE(world.guests.guests.begin()->second.xml.find("work.log"), std::string::npos);
}

TEST_F(StartTest, DoesNotTakeAnEarlierGuestsLine) {
    world.define("work", [](VmDefinition& vm) {
        vm.readiness = {definitions::SerialLineReady{named<definitions::TextLine>("guest ready")}, std::chrono::milliseconds(50)};
    });
    std::ofstream(world.directory / "work.log") << "guest ready\n";
    const auto started = world.machines->start(work, {});
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, Errc::TimedOut);
}

}  // namespace
}  // namespace varve::vm
