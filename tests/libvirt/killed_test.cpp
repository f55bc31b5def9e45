// SPDX-License-Identifier: LGPL-2.1-or-later
// kill -9 of the orchestrator while real guests start, run and stop: nothing is lost, and nothing runs twice.
#include "tests/libvirt/daemon_host.h"

#include <cstdlib>
#include <functional>
#include <vector>

namespace varve::libvirt_test {
namespace {

using hypervisor::DomainState;

using Killed = DaemonTest;

// The guest counts its own runs, and keeps the count on its volume.
TEST_F(Killed, InTheMiddleOfAStart) {
    define("work", "count");
    const auto runs = [&] { return std::atoi(committed("work").c_str()); };
    const auto libvirt_is_at_it = [] { return domain("work").has_value(); };
    struct Moment {
        const char* stage;
        const char* what;
        std::function<bool()> then;
    };
    const std::vector<Moment> moments{{"volumes", "began", {}},
                                      {"create", "began", libvirt_is_at_it},
                                      {"create", "done", {}},
                                      {"resume", "done", {}}};
    for (int before = 0; const auto& moment : moments) {
        SCOPED_TRACE(std::string(moment.stage) + " " + moment.what);
        kill_at("vm.start", "work", moment.stage, moment.what, moment.then);
        start_orchestrator();
        const auto found = state("work");
        ASSERT_TRUE(found == "halted" || found == "running") << found;
        if (found == "halted" && runs() == before) {
            EXPECT_EQ(control("work", "state"), "halted");
            EXPECT_FALSE(domain("work"));
            (void)must("vm.start", {{"vm", "work"}});
        }
        ASSERT_TRUE(eventually([&] { return state("work") == "halted" && runs() != before; }, guest_patience));
        EXPECT_EQ(runs(), ++before) << "it ran once";
        EXPECT_FALSE(domain("work"));
        EXPECT_EQ(control("work", "state"), "halted");
    }
}

class KilledWithAGuest : public Killed {
protected:
    // A guest that has written, and runs.
    void start_one() {
        define("work", "keep-mine");
        (void)must("vm.start", {{"vm", "work"}});
        ASSERT_TRUE(eventually([&] { return written("work") == "mine"; }, guest_patience));
        EXPECT_EQ(committed("work"), "");
    }
    void expect_stopped_and_kept() {
        ASSERT_TRUE(comes_to("work", "halted"));
        EXPECT_FALSE(domain("work"));
        EXPECT_EQ(committed("work"), "mine");
        EXPECT_EQ(control("work", "state"), "halted");
    }
};

TEST_F(KilledWithAGuest, ThatRunsOnAndIsStoppedByTheNext) {
    start_one();
    const auto before = domain("work");
    kill_orchestrator();
    start_orchestrator();
    EXPECT_EQ(state("work"), "running");
    ASSERT_TRUE(before && domain("work"));
    EXPECT_EQ(domain("work")->uuid, before->uuid);
    EXPECT_EQ(domain("work")->number, before->number) << "the same QEMU";
    auto client = connected();
    EXPECT_FALSE(client.call("vm.start", {{"vm", "work"}})) << "it runs already";
    // Killed while the volumes commit, too.
    kill_at("vm.kill", "work", "stop-volumes", "began");
    start_orchestrator();
    expect_stopped_and_kept();
}

TEST_F(KilledWithAGuest, ThatIsBeingKilled) {
    start_one();
    kill_at("vm.kill", "work", "shutdown", "began");
    start_orchestrator();
    if (state("work") == "running") (void)must("vm.kill", {{"vm", "work"}});
    expect_stopped_and_kept();
}

TEST_F(KilledWithAGuest, ThatEndsWhileNobodyLooks) {
    start_one();
    kill_orchestrator();
    ASSERT_TRUE(host.hypervisor->destroy(domain("work").value().uuid));
    EXPECT_EQ(committed("work"), "") << "nobody committed it yet";
    start_orchestrator();
    expect_stopped_and_kept();
}

}  // namespace
}  // namespace varve::libvirt_test
