// SPDX-License-Identifier: LGPL-2.1-or-later
// varve-orchestrator as a process: what it serves, what it keeps, and how it ends.
#include "tests/orchestrator/orchestrator.h"

#include <sys/syscall.h>

namespace varve::tests {
namespace {

using nlohmann::json;
using rpc_client::Client;

TEST_F(Orchestrator, StartsAndStopsAVmWithoutVolumes) {
    const auto process = start();
    (void)connected();
    EXPECT_EQ(varve({"vm", "create", "net", "class=standalone", "memory=1M"}), "net  created\n");
    EXPECT_EQ(varve({"vm", "create", "work", "class=standalone", "memory=1M", "needs=net"}), "work  created\n");
    const auto report = json::parse(varve({"--json", "vm", "start", "work"}), nullptr, false);
    ASSERT_TRUE(report.is_object() && report.contains("stages")) << report;
    EXPECT_FALSE(report["stages"].empty());
    EXPECT_EQ(report["needed"][0]["vm"], "net");
    EXPECT_NE(varve({"vm", "ls"}).find("running"), std::string::npos);
    int status = 0;
    EXPECT_NE(varve({"vm", "start", "work"}, &status), "");
    EXPECT_EQ(status, 5);
    EXPECT_EQ(varve({"vm", "pause", "work"}), "work  paused\n");
    EXPECT_EQ(varve({"vm", "resume", "work"}), "work  resumed\n");
    EXPECT_EQ(varve({"vm", "kill", "work"}), "work  killed\n");
    EXPECT_EQ(process->end(SIGTERM), 0);
}

TEST_F(Orchestrator, StopsWhatRunningVmsNeedOnlyByForce) {
    const auto process = start();
    (void)connected();
    EXPECT_EQ(varve({"vm", "create", "net", "class=standalone", "memory=1M"}), "net  created\n");
    EXPECT_EQ(varve({"vm", "create", "work", "class=standalone", "memory=1M", "needs=net"}), "work  created\n");
    (void)varve({"vm", "start", "work"});
    int status = 0;
    const auto refused = json::parse(varve({"--json", "vm", "stop", "net"}, &status), nullptr, false);
    EXPECT_EQ(status, 5);
    ASSERT_TRUE(refused.is_object()) << refused;
    EXPECT_EQ(refused["error"]["message"], "'net' is needed by VMs that run ('work'): stop these first, or use --force") << refused;
    EXPECT_EQ(varve({"vm", "stop", "--force", "net"}), "net  stopped\n");
    EXPECT_EQ(varve({"vm", "start", "net"}, &status).substr(0, 3), "net");
    EXPECT_EQ(varve({"vm", "stop", "work"}), "work  stopped\n");
    EXPECT_EQ(varve({"vm", "stop", "net"}), "net  stopped\n");
    EXPECT_EQ(process->end(SIGTERM), 0);
}

TEST_F(Orchestrator, KeepsItsDefinitionsOverAKill) {
    {
        const auto process = start();
        (void)connected();
        EXPECT_EQ(varve({"vm", "create", "fedora", "class=template"}), "fedora  created\n");
        EXPECT_EQ(process->end(SIGKILL), -SIGKILL);
    }
    const auto process = start();
    auto client = connected();
    EXPECT_EQ(client.call("vm.list", json::object()).value()["vms"][0]["vm"], "fedora");
    EXPECT_EQ(process->end(SIGTERM), 0);
}

TEST_F(Orchestrator, EventsReachWhoSubscribed) {
    const auto process = start();
    auto client = connected();
    ASSERT_TRUE(client.call("vm.create", {{"vm", "work"}, {"definition", {{"class", "standalone"}, {"memory", "1M"}}}}));
    auto subscriber = connected();
    ASSERT_TRUE(subscriber.call("events.subscribe", json::object()));
    ASSERT_TRUE(client.call("vm.start", {{"vm", "work"}}));
    std::vector<std::string> states;
    const auto heard = subscriber.listen([&](std::string_view method, const json& params) {
        EXPECT_EQ(method, "vm.event");
        EXPECT_EQ(params["vm"], "work");
        states.push_back(params["state"]);
        return states.back() != "running";
    });
    EXPECT_TRUE(heard);
}

TEST_F(Orchestrator, OneForAStateDirectory) {
    const auto process = start();
    (void)connected();
    Process second({ORCHESTRATOR, "--config", config()}, directory_ / "log");
    EXPECT_EQ(second.wait(), 1);
    EXPECT_NE(log().find("another orchestrator works in"), std::string::npos);
}

TEST_F(Orchestrator, CheckNamesEveryMistake) {
    std::ofstream(config()) << "socket = 1\nhypervisor = \"x\"\n";
    Process check({ORCHESTRATOR, "--check", "--config", config()}, directory_ / "log");
    EXPECT_EQ(check.wait(), 1);
    EXPECT_NE(log().find(config().string() + ":1: socket: "), std::string::npos);
    EXPECT_NE(log().find(config().string() + ":2: hypervisor: "), std::string::npos);
}

TEST_F(Orchestrator, UnnamedDisposablesGoWhenTheyEndAlsoAfterAKill) {
    const auto gone = [&](const std::string& name) {
        return eventually([&] { return varve({"vm", "ls"}).find(name) == std::string::npos; });
    };
    std::string left;
    {
        const auto process = start();
        (void)connected();
        (void)varve({"vm", "create", "fedora", "class=template", "memory=1M"});
        (void)varve({"vm", "create", "dvm", "class=app", "template=fedora", "template_for_dispvms=true", "memory=1M"});
        auto first = varve({"disp", "run", "--template", "dvm"});
        ASSERT_EQ(first.substr(0, 4), "disp");
        first.pop_back();
        EXPECT_EQ(varve({"vm", "kill", first}), first + "  killed\n");
        EXPECT_TRUE(gone(first));
        left = varve({"disp", "run", "--template", "dvm"});
        left.pop_back();
        EXPECT_EQ(process->end(SIGKILL), -SIGKILL);
    }
    // libvirt's test driver lives in the process: its domains have gone with it, as after a power cut of the hypervisor.
    const auto process = start();
    (void)connected();
    EXPECT_TRUE(gone(left));
    EXPECT_NE(varve({"vm", "ls"}).find("dvm"), std::string::npos);
}

// A preloaded disposable is made, hidden and handed out; after a kill what was in progress or ready has gone with libvirt's test driver.
TEST_F(Orchestrator, DisposablesAreKeptReady) {
    const auto ready = [&](std::size_t count) {
        json preloads;
        (void)eventually([&] {  // whoever asks looks at what there is
            const auto status = json::parse(varve({"--json", "preload", "status"}), nullptr, false);
            if (!status.is_object()) return false;
            std::size_t found = 0;
            for (const auto& each : status["templates"])
                for (const auto& one : each["preloads"]) found += one["phase"] == "ready" ? 1U : 0U;
            if (found == count) preloads = status["templates"].empty() ? json::array() : status["templates"][0]["preloads"];
            return found == count;
        });
        return preloads;
    };
    std::string left;
    {
        const auto process = start();
        (void)connected();
        (void)varve({"vm", "create", "fedora", "class=template", "memory=1M"});
        (void)varve({"vm", "create", "dvm", "class=app", "template=fedora", "template_for_dispvms=true", "memory=1M",
                     "preload-dispvm-max=2", "preload-dispvm-delay=0s"});
        EXPECT_EQ(varve({"preload", "begin"}), "preloading  begun\n");
        auto two = ready(2);
        ASSERT_TRUE(two.is_array());
        const auto first = two[0]["vm"].get<std::string>();
        EXPECT_EQ(varve({"vm", "ls"}).find(first), std::string::npos);
        EXPECT_NE(varve({"vm", "ls", "--all"}).find(first), std::string::npos);
        EXPECT_EQ(varve({"disp", "run", "--template", "dvm"}), first + "\n");
        EXPECT_NE(varve({"vm", "ls"}).find(first), std::string::npos);
        two = ready(2);
        ASSERT_TRUE(two.is_array());
        left = two[0]["vm"];
        EXPECT_NE(left, first);
        // Somebody resumes one: it is his.
        EXPECT_EQ(varve({"vm", "resume", left}), left + "  resumed\n");
        EXPECT_TRUE(ready(2).is_array());
        EXPECT_NE(varve({"vm", "ls"}).find(left), std::string::npos);
        // A change of the template waits for nobody.
        EXPECT_EQ(varve({"preload", "refresh", "dvm"}), "dvm  refreshed\n");
        EXPECT_TRUE(ready(2).is_array());
        EXPECT_EQ(varve({"preload", "suspend"}), "preloading  suspended\n");
        EXPECT_TRUE(ready(0).is_array());
        EXPECT_EQ(varve({"preload", "resume"}), "preloading  resumed\n");
        EXPECT_TRUE(ready(2).is_array());
        EXPECT_EQ(process->end(SIGKILL), -SIGKILL);
    }
    // libvirt's test driver lives in the process: its guests have gone with it. Preloading goes on by itself.
    const auto process = start();
    (void)connected();
    const auto two = ready(2);
    ASSERT_TRUE(two.is_array());
    EXPECT_TRUE(eventually([&] { return varve({"vm", "ls", "--all"}).find(left) == std::string::npos; }));
    // The template goes with what was kept ready of it.
    EXPECT_EQ(varve({"vm", "rm", "dvm"}), "dvm  removed\n");
    EXPECT_EQ(varve({"vm", "ls", "--all"}).find("disp"), std::string::npos);
    EXPECT_EQ(process->end(SIGTERM), 0);
}

TEST_F(Orchestrator, ReadsItsConfigurationAgain) {
    const auto process = start();
    auto client = connected();
    (void)varve({"vm", "create", "fedora", "class=template", "memory=1M"});
    (void)varve({"vm", "create", "dvm", "class=app", "template=fedora", "template_for_dispvms=true", "memory=1M"});
    const auto said = [&] {
        const auto run = client.call("disp.run", json::object());
        return run ? "allowed" : run.error().message();
    };
    const auto none = said();
    EXPECT_NE(none, "allowed");
    std::ostringstream before;
    before << std::ifstream(config()).rdbuf();
    // All of it or nothing.
    std::ofstream(config()) << "default_dispvm = \"dvm\"\npreload-dispvm-max = 1000\n" << before.str();
    process->send(SIGHUP);
    EXPECT_TRUE(eventually([&] { return log().find("nothing of it is taken over") != std::string::npos; }));
    EXPECT_NE(log().find(config().string() + ":2: preload-dispvm-max: "), std::string::npos);
    EXPECT_EQ(said(), none);
    auto text = before.str();
    text.replace(text.find("test:///default"), std::string("test:///default").size(), "test:///other");
    std::ofstream(config()) << "default_dispvm = \"dvm\"\npreload-dispvm-max = 2\n" << text;
    process->send(SIGHUP);
    EXPECT_TRUE(eventually([&] { return log().find("the configuration was read again") != std::string::npos; }));
    EXPECT_NE(log().find("another 'hypervisor' needs a restart"), std::string::npos);
    EXPECT_EQ(log().find("another 'socket'"), std::string::npos);
    EXPECT_EQ(said(), "allowed");
    EXPECT_TRUE(eventually([&] { return json::parse(varve({"--json", "preload", "status"}))["templates"][0]["max"] == 2; }));
    EXPECT_EQ(process->end(SIGTERM), 0);
}

// A user without rights learns nothing; one with the right to see some VMs sees these.
TEST_F(Orchestrator, OthersHaveTheirRights) {
    const auto process = start();
    auto client = connected();
    ASSERT_TRUE(client.call("vm.create", {{"vm", "secret"}, {"definition", {{"class", "standalone"}}}}));
    ASSERT_TRUE(client.call("vm.create", {{"vm", "open"}, {"definition", {{"class", "standalone"}, {"tags", {"shared"}}}}}));
    std::filesystem::permissions(directory_, std::filesystem::perms::all);
    const auto child = ::fork();
    if (child == 0) {
        // The raw call: glibc's would change other threads, too, and there are none.
        if (::syscall(SYS_setresuid, 65534, 65534, 65534) != 0) ::_exit(9);
        auto other = Client::connect(socket());
        if (!other) ::_exit(1);
        const auto list = other->call("vm.list", json::object());
        if (!list || (*list)["vms"].size() != 1 || (*list)["vms"][0]["vm"] != "open") ::_exit(2);
        const auto refused = other->call("vm.info", {{"vm", "secret"}});
        const auto missing = other->call("vm.info", {{"vm", "missing"}});
        ::_exit(!refused && !missing && refused.error().code == base::Errc::Denied && missing.error().code == base::Errc::Denied ? 0 : 3);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace varve::tests
