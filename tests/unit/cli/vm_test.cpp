// SPDX-License-Identifier: LGPL-2.1-or-later
// The commands that ask the orchestrator: what they ask, and what they say of the answer.
#include "orchestrator/cli/run.h"
#include "tests/unit/rpc/served.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>

namespace varve::cli {
namespace {

using nlohmann::json;
using rpc::Call;
using rpc::Length;

struct VmRan {
    ExitCode code;
    std::string out;
    std::string err;
};

class VmCommands : public ::testing::Test {
protected:
    // Answers the method, and notes what it was asked.
    void answer(const std::string& method, base::Result<json> result, const json& told = {}) {
        methods_.add(method, Length::Long, [this, method, result = std::move(result), told](const json& params, const Call& call) {
            asked_ = method + " " + params.dump();
            if (!told.is_null()) call.notify("vm.stage", told);
            return result;
        });
    }
    VmRan run(std::vector<std::string> arguments, bool terminal = false) {
        const rpc::tests::Served served(methods_);
        std::ostringstream out;
        std::ostringstream err;
        const World world{out, err, terminal, "", "/home", "", {}, {}, 0, 1, served.path().string()};
        const auto code = cli::run(std::move(arguments), world);
        return {code, out.str(), err.str()};
    }

    rpc::MethodTable methods_;
    std::string asked_;
};

TEST_F(VmCommands, Ls) {
    answer(
        "vm.list",
        json{{"vms",
              {{{"vm", "work"}, {"class", "app"}, {"template", "fedora"}, {"state", "running"}, {"trouble", ""}, {"tags", json::array()}},
               {{"vm", "fedora"}, {"class", "template"}, {"template", nullptr}, {"state", "halted"}, {"trouble", "bad \x1b"}}}}});
    EXPECT_EQ(run({"vm", "ls"}).out,
              "VM      CLASS     TEMPLATE  STATE    TROUBLE\n"
              "work    app       fedora    running\n"
              "fedora  template            halted   bad \\x1b\n");
    EXPECT_EQ(json::parse(run({"--json", "vm", "ls"}).out)["vms"].size(), 2U);
}

TEST_F(VmCommands, InfoShowsNestedKeys) {
    answer("vm.info", json{{"vm", "work"},
                           {"state", "running"},
                           {"trouble", ""},
                           {"domain", nullptr},
                           {"definition",
                            {{"boot", {{"kernel", "/k"}}},
                             {"needs", {"a", "b"}},
                             {"vcpus", 2},
                             {"volume", {{{"name", "root"}, {"pool", "fast"}}, {{"name", "data"}, {"pool", "more"}}}}}},
                           {"disks", {{{"target", "vda"}, {"source", "/d"}, {"read_only", true}}}}});
    EXPECT_EQ(run({"vm", "info", "work"}).out,
              "vm:           work\nstate:        running\nboot.kernel:  /k\nneeds:        a\n              b\nvcpus:        2\n"
              "volume:       name=root  pool=fast\n              name=data  pool=more\ndisks:        vda  /d  read-only\n");
    EXPECT_EQ(asked_, R"(vm.info {"vm":"work"})");
}

TEST_F(VmCommands, StartTellsItsStagesOnATerminalAndItsTimings) {
    const json stage{{"stage", "create"}, {"microseconds", 1500000}};
    answer("vm.start",
           json{{"vm", "work"}, {"stages", {stage}}, {"needed", {{{"vm", "net"}, {"stages", {stage}}}}}, {"findings", {"a leak"}}},
           {{"vm", "work"}, {"stage", "create"}, {"what", "done"}, {"microseconds", 1500000}, {"remark", ""}});
    const auto ran = run({"vm", "start", "work"}, true);
    EXPECT_EQ(ran.code, ExitCode::Ok);
    EXPECT_EQ(ran.out, "net  started, 1.50 s\nwork  found: a leak\nwork  started, 1.50 s\n");
    EXPECT_EQ(ran.err, "work  create  done  1.50 s\n");
    EXPECT_EQ(run({"vm", "start", "work"}).err, "");
    EXPECT_EQ(json::parse(run({"--json", "vm", "start", "work"}).out)["stages"], json::array({stage}));
}

TEST_F(VmCommands, StopSaysWhatWasCommitted) {
    answer("vm.stop",
           json{{"vm", "work"}, {"killed", true}, {"volumes", {{{"volume", "p/work/root"}, {"committed", true}, {"revision", "r1"}}}}});
    EXPECT_EQ(run({"vm", "stop", "work", "--timeout", "2", "--no-kill"}).out,
              "p/work/root  committed, the state before is kept as r1\nwork  killed, it had not shut down in time\n");
    EXPECT_EQ(asked_, R"(vm.stop {"deadline":2000,"force":false,"then_kill":false,"vm":"work"})");
    EXPECT_EQ(run({"vm", "stop", "work", "--force"}).code, ExitCode::Ok);
    EXPECT_EQ(asked_, R"(vm.stop {"deadline":60000,"force":true,"then_kill":true,"vm":"work"})");
    EXPECT_EQ(run({"vm", "stop", "work", "--timeout", "-1"}).code, ExitCode::Usage);
}

TEST_F(VmCommands, SimpleOnes) {
    for (const auto& [verb, method, said] : std::vector<std::array<std::string, 3>>{{"kill", "vm.kill", "killed"},
                                                                                    {"pause", "vm.pause", "paused"},
                                                                                    {"resume", "vm.resume", "resumed"},
                                                                                    {"rm", "vm.remove", "removed"}}) {
        answer(method, json::object());
        EXPECT_EQ(run({"vm", verb, "work"}).out, "work  " + said + "\n");
        EXPECT_EQ(asked_, method + R"( {"vm":"work"})");
        EXPECT_EQ(run({"vm", verb}).code, ExitCode::Usage);
    }
}

TEST_F(VmCommands, CloneAndRename) {
    answer("vm.clone", json::object());
    EXPECT_EQ(run({"vm", "clone", "a", "b"}).out, "a  cloned as b\n");
    answer("vm.rename", json::object());
    EXPECT_EQ(run({"vm", "rename", "a", "b"}).out, "a  renamed to b\n");
    EXPECT_EQ(asked_, R"(vm.rename {"to":"b","vm":"a"})");
}

TEST_F(VmCommands, CreateTakesKeysVolumesAndFiles) {
    answer("vm.create", json::object());
    EXPECT_EQ(run({"vm", "create", "work", "class=app", "--volume", "root=fast", "template=fedora"}).out, "work  created\n");
    EXPECT_EQ(
        asked_,
        R"(vm.create {"changes":{"class":"app","template":"fedora"},"definition":{"volume":[{"name":"root","pool":"fast"}]},"vm":"work"})");
    const auto file = ::testing::TempDir() + "varve-vm-test.toml";
    std::ofstream(file) << "class = \"template\"\n";
    EXPECT_EQ(run({"vm", "create", "t", "--file", file}).code, ExitCode::Ok);
    EXPECT_EQ(asked_, R"(vm.create {"changes":{},"toml":"class = \"template\"\n","vm":"t"})");
    EXPECT_EQ(run({"vm", "create", "t", "--file", file, "--volume", "a=b"}).code, ExitCode::Failed);
    std::filesystem::remove(file);
}

TEST_F(VmCommands, SetTakesKeys) {
    answer("vm.set", json::object());
    EXPECT_EQ(run({"vm", "set", "work", "memory=2G", "boot.cmdline=a=b", "default_dispvm="}).out, "work  changed\n");
    EXPECT_EQ(asked_, R"(vm.set {"changes":{"boot.cmdline":"a=b","default_dispvm":"","memory":"2G"},"vm":"work"})");
    EXPECT_NE(run({"vm", "set", "work", "memory"}).err.find("expected KEY=VALUE, not 'memory'"), std::string::npos);
    EXPECT_NE(run({"vm", "set", "work"}).err.find("KEY=VALUE, or --file"), std::string::npos);
    const auto file = ::testing::TempDir() + "varve-vm-set-test.toml";
    std::ofstream(file) << "class = \"standalone\"\n";
    EXPECT_EQ(run({"vm", "set", "work", "vcpus=2", "--file", file}).out, "work  changed\n");
    std::filesystem::remove(file);
    EXPECT_EQ(asked_, R"(vm.set {"changes":{"vcpus":"2"},"toml":"class = \"standalone\"\n","vm":"work"})");
    EXPECT_NE(run({"vm", "set", "work", "a=1", "a=2"}).err.find("'a' is given twice"), std::string::npos);
}

TEST_F(VmCommands, DisksComeAndGo) {
    answer("vm.attach", json{{"target", "vdc"}});
    EXPECT_EQ(run({"vm", "attach", "work", "x/../disk.img", "--writable"}).out, "work  attached as vdc\n");
    EXPECT_EQ(asked_, R"(vm.attach {"path":"/home/disk.img","vm":"work","writable":true})");
    answer("vm.detach", json::object());
    EXPECT_EQ(run({"vm", "detach", "work", "vdc"}).out, "work  vdc detached\n");
}

TEST_F(VmCommands, ConsoleGivesItsPathAsJson) {
    answer("vm.console", json{{"path", "/dev/pts/7"}});
    EXPECT_EQ(json::parse(run({"--json", "vm", "console", "work"}).out), json({{"path", "/dev/pts/7"}}));
}

TEST_F(VmCommands, ConsoleUsesWhatTheOrchestratorHasOpened) {
    std::array<int, 2> pair{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
    const base::UniqueFd guest(pair[0]);
    base::UniqueFd given(pair[1]);
    std::array<int, 2> keys{};
    std::array<int, 2> screen{};
    ASSERT_TRUE(::pipe2(keys.data(), O_CLOEXEC) == 0 && ::pipe2(screen.data(), O_CLOEXEC) == 0);
    const base::UniqueFd typing(keys[1]);
    const base::UniqueFd typed(keys[0]);
    const base::UniqueFd shown(screen[0]);
    const base::UniqueFd showing(screen[1]);
    methods_.add("vm.console", Length::Long, [&](const json& params, const Call& call) -> base::Result<json> {
        asked_ = params.dump();
        call.enclose(std::move(given));
        return json{{"path", "/dev/pts/none"}};
    });
    ASSERT_EQ(::write(guest.get(), "login: ", 7), 7);
    ASSERT_EQ(::write(typing.get(), "root\x1d", 5), 5);
    const rpc::tests::Served served(methods_);
    std::ostringstream out;
    std::ostringstream err;
    World world{out, err, false, "", "/home", "", {}, {}, typed.get(), showing.get(), served.path().string()};
    EXPECT_EQ(cli::run({"vm", "console", "work"}, world), ExitCode::Ok) << err.str();
    EXPECT_EQ(asked_, R"({"open":true,"vm":"work"})");
    std::array<char, 16> text{};
    EXPECT_EQ(::read(guest.get(), text.data(), text.size()), 4);
    EXPECT_EQ(std::string(text.data(), 4), "root");
    ASSERT_EQ(::read(shown.get(), text.data(), text.size()), 7);
    EXPECT_EQ(std::string(text.data(), 7), "login: ");
}

TEST_F(VmCommands, LsHidesWhatIsKeptReady) {
    answer("vm.list", json{{"vms", json::array()}});
    (void)run({"vm", "ls"});
    EXPECT_EQ(asked_, "vm.list {}");
    (void)run({"vm", "ls", "--all"});
    EXPECT_EQ(asked_, R"(vm.list {"all":true})");
}

TEST_F(VmCommands, Templates) {
    answer("template.list",
           json{{"templates", {{{"vm", "fedora"}, {"class", "template"}, {"state", "halted"}, {"children", {"a", "b"}}}}}});
    EXPECT_EQ(run({"template", "ls"}).out,
              "TEMPLATE  CLASS     STATE   CHILDREN\n"
              "fedora    template  halted         2\n");
    answer("template.status",
           json{{"vm", "fedora"},
                {"volumes",
                 {{{"pool", "p"}, {"volume", "root"}, {"state", "halted"}, {"revisions", {{{"revision", "old"}}, {{"revision", "new"}}}}}}},
                {"children",
                 {{{"vm", "work"},
                   {"volume", "root"},
                   {"state", "started"},
                   {"revision", nullptr},
                   {"outdated", true},
                   {"runs", {{"written", "2026-01-02T03:04:05.5Z"}, {"revision", "old"}, {"newest", false}}}},
                  {{"vm", "late"},
                   {"volume", "root"},
                   {"state", "started"},
                   {"revision", nullptr},
                   {"outdated", true},
                   {"runs", {{"written", "2026-01-02T03:04:05.5Z"}, {"revision", nullptr}, {"newest", false}}}},
                  {{"vm", "new"},
                   {"volume", "root"},
                   {"state", "started"},
                   {"revision", nullptr},
                   {"outdated", false},
                   {"runs", {{"written", "2026-01-02T03:04:05.5Z"}, {"revision", nullptr}, {"newest", true}}}},
                  {{"vm", "play"}, {"volume", "root"}, {"state", "halted"}, {"revision", "old"}, {"outdated", false}}}}});
    EXPECT_EQ(run({"template", "status", "fedora"}).out,
              "VOLUME  POOL  STATE   REVISIONS\n"
              "root    p     halted  old, new\n"
              "\n"
              "CHILD  VOLUME  STATE    VERSION  RUNS                    OUTDATED\n"
              "work   root    started  newest   old                     outdated\n"
              "late   root    started  newest   2026-01-02T03:04:05.5Z  outdated\n"
              "new    root    started  newest   newest\n"
              "play   root    halted   old\n");
    answer("template.commit", json{{"vm", "fedora"},
                                   {"frozen", false},
                                   {"not_frozen", "it has no agent"},
                                   {"volumes", {{{"volume", "p/fedora/root"}, {"committed", true}, {"revision", "old"}}}}});
    EXPECT_EQ(run({"template", "commit", "fedora"}).out,
              "p/fedora/root  committed, the state before is kept as old\n"
              "fedora  its file systems were not frozen: it has no agent\n");
    EXPECT_EQ(asked_, R"(template.commit {"template":"fedora"})");
    answer("template.rollback", json::object());
    EXPECT_EQ(run({"template", "rollback", "fedora", "root", "old"}).out, "fedora/root  rolled back to old\n");
    EXPECT_EQ(asked_, R"(template.rollback {"revision":"old","template":"fedora","volume":"root"})");
}

TEST_F(VmCommands, Resize) {
    answer("vm.resize", json{{"volume", "fast/work/data"}, {"size", 33554432}});
    EXPECT_EQ(run({"vm", "resize", "work", "data", "32M"}).out, "fast/work/data  32.0 MiB\n");
    EXPECT_EQ(asked_, R"(vm.resize {"size":33554432,"vm":"work","volume":"data"})");
    EXPECT_EQ(json::parse(run({"--json", "vm", "resize", "work", "data", "32M"}).out)["size"], 33554432);
    EXPECT_NE(run({"vm", "resize", "work", "data", "large"}).code, ExitCode::Ok);
    EXPECT_EQ(run({"vm", "resize", "work", "data"}).code, ExitCode::Usage);
}

TEST_F(VmCommands, PreloadStatus) {
    answer("preload.status", json{{"begun", false},
                                  {"suspended", true},
                                  {"wants_memory", true},
                                  {"templates",
                                   {{{"template", "dvm"},
                                     {"max", 4},
                                     {"trouble", "no \x1b"},
                                     {"preloads",
                                      {{{"vm", "disp1"}, {"phase", "ready"}, {"outdated", false}},
                                       {{"vm", "disp2"}, {"phase", "booted"}, {"outdated", false}},
                                       {{"vm", "disp3"}, {"phase", "ready"}, {"outdated", true}}}}}}}});
    EXPECT_EQ(run({"preload", "status"}).out,
              "TEMPLATE  MAX  READY  BEGUN  OUTDATED  TROUBLE\n"
              "dvm         4      1      1         1  no \\x1b\n"
              "preloading has not begun: 'varve preload begin' begins it\n"
              "preloading is suspended: 'varve preload resume' goes on\n"
              "some are missing: there is too little memory\n");
    EXPECT_EQ(json::parse(run({"--json", "preload", "status"}).out)["templates"][0]["max"], 4);
}

TEST_F(VmCommands, PreloadChanges) {
    answer("vm.set", json::object());
    EXPECT_EQ(run({"preload", "max", "dvm", "3"}).out, "dvm  changed\n");
    EXPECT_EQ(asked_, R"(vm.set {"changes":{"preload-dispvm-max":"3"},"vm":"dvm"})");
    EXPECT_EQ(run({"preload", "max", "dvm", "default"}).code, ExitCode::Ok);
    EXPECT_EQ(asked_, R"(vm.set {"changes":{"preload-dispvm-max":""},"vm":"dvm"})");
    answer("preload.refresh", json::object());
    EXPECT_EQ(run({"preload", "refresh", "dvm"}).out, "dvm  refreshed\n");
    EXPECT_EQ(asked_, R"(preload.refresh {"template":"dvm"})");
    for (const auto& [verb, done] : {std::pair{"begin", "begun"}, std::pair{"resume", "resumed"}}) {
        answer(std::string("preload.") + verb, json::object());
        EXPECT_EQ(run({"preload", verb}).out, std::string("preloading  ") + done + "\n");
    }
    EXPECT_EQ(run({"preload", "max", "dvm"}).code, ExitCode::Usage);
}

TEST_F(VmCommands, PreloadSuspend) {
    answer("preload.suspend", json{{"gone", true}});
    EXPECT_EQ(run({"preload", "suspend"}).out, "preloading  suspended\n");
    EXPECT_EQ(asked_, "preload.suspend {}");
    answer("preload.suspend", json{{"gone", false}});
    const auto late = run({"preload", "suspend", "--timeout", "20"});
    EXPECT_EQ(late.out, "preloading  suspended; some have not gone yet\n");
    EXPECT_EQ(late.code, ExitCode::Ok);
    EXPECT_EQ(asked_, R"(preload.suspend {"timeout":20000})");
    EXPECT_EQ(run({"preload", "suspend", "--timeout", "soon"}).code, ExitCode::Usage);
}

TEST_F(VmCommands, DispRunPrintsTheName) {
    answer("disp.run", json{{"vm", "disp7"}, {"template", "dvm"}});
    EXPECT_EQ(run({"disp", "run", "--template", "dvm"}).out, "disp7\n");
    EXPECT_EQ(asked_, R"(disp.run {"template":"dvm"})");
    EXPECT_EQ(run({"disp", "run"}).code, ExitCode::Ok);
    EXPECT_EQ(asked_, "disp.run {}");
    EXPECT_EQ(run({"disp", "run", "--caller", "mail"}).code, ExitCode::Ok);
    EXPECT_EQ(asked_, R"(disp.run {"caller":"mail"})");
    EXPECT_EQ(run({"disp", "run", "--template", "dvm", "--tag", "web"}).code, ExitCode::Usage);
    EXPECT_EQ(run({"disp", "run", "--template", "dvm", "--caller", "mail"}).code, ExitCode::Usage);
    EXPECT_EQ(run({"disp", "run", "--caller", "mail", "--tag", "web"}).code, ExitCode::Usage);
}

TEST_F(VmCommands, FailuresHaveTheirExitCodes) {
    answer("vm.start", base::fail(base::Errc::NotFound, "there is no VM 'x'"));
    const auto ran = run({"vm", "start", "x"});
    EXPECT_EQ(ran.code, ExitCode::NotFound);
    EXPECT_EQ(ran.err, "varve: there is no VM 'x'\n");
    answer("vm.start", base::fail(base::Errc::Busy, "it runs"));
    EXPECT_EQ(run({"vm", "start", "x"}).code, ExitCode::Busy);
    const auto nobody = run({"--socket", "/nonexistent", "vm", "start", "x"});
    EXPECT_EQ(nobody.code, ExitCode::NoMount);
    EXPECT_NE(nobody.err.find("start varve-orchestrator"), std::string::npos);
    EXPECT_EQ(run({"vm"}).code, ExitCode::Usage);
}

TEST_F(VmCommands, HelpHasExamples) {
    for (const auto* verb : {"ls", "info", "create", "set", "start", "stop", "kill", "pause", "resume", "console", "attach", "detach",
                             "resize", "clone", "rename", "rm"})
        EXPECT_NE(run({"vm", verb, "--help"}).out.find("Examples:"), std::string::npos) << verb;
}

}  // namespace
}  // namespace varve::cli
