// SPDX-License-Identifier: LGPL-2.1-or-later
// Real guests under QEMU, on volumes of a real mount.
#include "tests/libvirt/host.h"

#include <sys/stat.h>

#include <algorithm>
#include <iostream>

namespace varve::libvirt_test {
namespace {

using base::Errc;
using vm::VmState;

void print(const vm::StartReport& report) {
    for (const auto& stage : report.stages)
        std::cout << "  " << vm::name_of(stage.stage) << " " << static_cast<double>(stage.took.count()) / 1000 << " ms\n";
}

TEST_F(LibvirtTest, AGuestWritesAndItsStateIsCommittedWhenItShutsDown) {
    define("writer", "write-first");
    const auto writer = named<base::VmName>("writer");
    const auto started = machines->start(writer, {});
    ASSERT_TRUE(started) << started.error().message();
    print(*started);
    ASSERT_TRUE(comes_to("writer", VmState::Halted));
    EXPECT_EQ(committed_text("writer"), "first");
    EXPECT_EQ(control("writer", "state"), "halted");
    EXPECT_EQ(revisions("writer").size(), 1U) << "the empty state it began with";
    EXPECT_TRUE(says("writer", "disk holds: \r\n"));
    // The next guest reads what this one wrote, and QEMU is gone.
    EXPECT_EQ(host().hypervisor()->find_name("writer").error().code, Errc::NotFound);
    const auto again = machines->start(writer, {});
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_TRUE(says("writer", "disk holds: first"));
    (void)machines->kill(writer, {});  // it may have shut down before
}

TEST_F(LibvirtTest, AGuestWithAnAgentSeesItsDisksGrowComeAndGo) {
    define("source", "deaf");
    define("agent", "agent", [](definitions::VmDefinition& vm) { vm.readiness = {definitions::AgentReady{}, std::chrono::seconds(90)}; });
    const auto agent = named<base::VmName>("agent");
    const auto started = machines->start(agent, {});
    ASSERT_TRUE(started) << started.error().message();
    print(*started);

    // Grow.
    const base::VolumeId data{named<base::PoolName>("fast"), agent, named<base::VolumeName>("data")};
    const auto resized = machines->resize(data, {std::uint64_t{32} << 20});
    ASSERT_TRUE(resized) << resized.error().message();

    // Pause and go on.
    ASSERT_TRUE(machines->pause(agent));
    EXPECT_EQ(machines->info(agent).value().state, VmState::Paused);
    ASSERT_TRUE(machines->resume(agent));

    // Another volume's committed state comes, and may only be read.
    const auto target = machines->attach(agent, {host().pool() / "source" / "data.img", {}, false});
    ASSERT_TRUE(target) << target.error().message();
    EXPECT_EQ(target->str(), "vdb");
    EXPECT_EQ(machines->disks(agent).value().size(), 2U);

    // It is committed as it runs, grown as it is. Its file systems are frozen meanwhile: it has none on disks, but its agent answers.
    const auto committed = machines->commit(agent);
    ASSERT_TRUE(committed) << committed.error().message();
    EXPECT_TRUE(committed->frozen) << committed->not_frozen;
    ASSERT_EQ(committed->volumes.size(), 1U);
    EXPECT_TRUE(committed->volumes[0].committed);
    EXPECT_EQ(control("agent", "state"), "started");
    EXPECT_EQ(revisions("agent").size(), 1U);
    EXPECT_EQ(host().hypervisor()->thaw(machines->info(agent).value().domain.value(), std::chrono::seconds(60)).value(), 0)
        << "it is thawed";

    const auto detached = machines->detach(agent, *target);
    EXPECT_TRUE(detached) << detached.error().message();
    EXPECT_EQ(machines->detach(agent, named<definitions::TargetName>("vda")).error().code, Errc::Busy);

    // Its console is a terminal.
    const auto console = machines->console(agent);
    ASSERT_TRUE(console) << console.error().message();
    struct stat status {};
    ASSERT_EQ(::stat(console->c_str(), &status), 0) << *console;
    EXPECT_TRUE(S_ISCHR(status.st_mode));

    // It shuts down when it is asked to.
    const auto stopped = machines->stop(agent, {}, {});
    ASSERT_TRUE(stopped) << stopped.error().message();
    EXPECT_FALSE(stopped->killed);
    EXPECT_EQ(control("agent", "size"), std::to_string(std::uint64_t{32} << 20));
}

TEST_F(LibvirtTest, AnOrchestratorFindsItsGuestsAgain) {
    define("survivor", "agent", [](definitions::VmDefinition& vm) {
        vm.interfaces = {{named<definitions::BridgeName>("lan"), {}, {}},
                         {named<definitions::BridgeName>("wan"), {}, named<definitions::IpAddress>("192.0.2.7")}};
    });
    const auto survivor = named<base::VmName>("survivor");
    ASSERT_TRUE(machines->start(survivor, {}));
    start_orchestrator();
    const auto repaired = machines->recover();
    ASSERT_EQ(repaired.size(), 1U);
    EXPECT_EQ(repaired[0].repair, vm::Repair::Adopt) << repaired[0].trouble;
    EXPECT_EQ(machines->info(survivor).value().state, VmState::Running);
    EXPECT_EQ(machines->start(survivor, {}).error().code, Errc::Busy);
    EXPECT_TRUE(says("survivor", "told ip-1 192.0.2.7\r\n"));
    EXPECT_FALSE(says("survivor", "told ip-0", std::chrono::seconds(0)));
    // Its disk grows as it runs, and it sees that.
    EXPECT_TRUE(says("survivor", "disk vda 16777216 "));
    const auto resized =
        machines->resize({named<base::PoolName>("fast"), survivor, named<base::VolumeName>("data")}, {std::uint64_t{24} << 20});
    ASSERT_TRUE(resized) << resized.error().message();
    EXPECT_TRUE(says("survivor", "disk vda 25165824 "));
    // Also when it was made larger past the orchestrator.
    const base::VolumeId grown{named<base::PoolName>("fast"), survivor, named<base::VolumeName>("data")};
    ASSERT_TRUE(storage->resize(grown, {std::uint64_t{32} << 20}));
    machines->volume_grew(grown);
    EXPECT_TRUE(says("survivor", "disk vda 33554432 "));
    const auto killed = machines->kill(survivor, {});
    ASSERT_TRUE(killed) << killed.error().message();
    EXPECT_EQ(control("survivor", "state"), "halted");
}

TEST_F(LibvirtTest, AGuestThatIsNeverReadyIsUndone) {
    define("deaf", "deaf", [](definitions::VmDefinition& vm) { vm.readiness = {definitions::AgentReady{}, std::chrono::seconds(2)}; });
    const auto deaf = named<base::VmName>("deaf");
    const auto started = machines->start(deaf, {});
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, Errc::TimedOut);
    EXPECT_NE(started.error().message().find("stage 'readiness'"), std::string::npos) << started.error().message();
    EXPECT_EQ(host().hypervisor()->find_name("deaf").error().code, Errc::NotFound);
    EXPECT_EQ(control("deaf", "state"), "halted");
}

TEST_F(LibvirtTest, AStartThatQemuRefusesLeavesTheVolumeAsItWas) {
    define("broken", "deaf", [](definitions::VmDefinition& vm) {
        vm.boot = definitions::KernelBoot{"/nonexistent/vmlinuz", {}, named<definitions::TextLine>("")};
    });
    const auto started = machines->start(named<base::VmName>("broken"), {});
    ASSERT_FALSE(started);
    EXPECT_NE(started.error().message().find("stage 'create'"), std::string::npos) << started.error().message();
    EXPECT_NE(started.error().message().find("/nonexistent/vmlinuz"), std::string::npos) << started.error().message();
    EXPECT_EQ(control("broken", "state"), "halted");
    EXPECT_TRUE(revisions("broken").empty());
}

}  // namespace
}  // namespace varve::libvirt_test
