// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/service/methods.h"

#include "tests/unit/preloading/world.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <deque>
#include <fstream>

namespace varve::service::tests {
namespace {

using nlohmann::json;
using orchestrator::Verb;

constexpr uid_t alice = 1000;
constexpr uid_t bob = 1001;

class ServiceMethods : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "varve-service-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
        store_ = definitions::DefinitionStore::open(directory_).value();
        machines_ = std::make_unique<FakeMachines>(*store_);
        const auto shared = orchestrator::VmPattern::parse("@shared").value();
        const auto his = orchestrator::VmPattern::parse("@his").value();
        const auto own = orchestrator::VmPattern::parse("bobs").value();
        const auto lent = orchestrator::VmPattern::parse("lent").value();
        rights_ = std::make_unique<orchestrator::Rights>(
            std::vector<orchestrator::Right>{
                {orchestrator::UserId{alice}, {Verb::See, Verb::Start}, {shared}},
                {orchestrator::UserId{bob}, {Verb::See}, {shared}},
                {orchestrator::UserId{bob}, {Verb::See, Verb::Attach}, {own, lent}},
                {orchestrator::UserId{bob}, {Verb::See, Verb::Start, Verb::Stop, Verb::Change, Verb::Remove}, {his}}},
            0);
        access_ = std::make_unique<Access>(*rights_, *store_, [](const base::VmName&) { return false; });
        makers_ = std::make_unique<preloading::tests::FakeMakers>(*store_, *machines_);
        preloading_ = std::make_unique<preloading::Preloading>(loop_, *store_, *machines_, *makers_,
                                                               preloading::Records::open(directory_ / "preloads").value(),
                                                               preloading::SystemSettings{}, preloading::Preloading::Report());
        add_definition_methods(methods_, *store_, *preloading_, *access_);
        add_vm_methods(methods_, *machines_, *store_, *preloading_, *access_, directory_ / "mount");
        create("fedora", {{"class", "template"}});
        create("work", {{"class", "app"}, {"template", "fedora"}, {"tags", {"shared"}}});
    }
    void TearDown() override {
        preloading_.reset();
        std::filesystem::remove_all(directory_);
    }

    base::Result<json> call(const std::string& method, const json& params, uid_t uid = 0) {
        const auto* found = methods_.find(method);
        if (found == nullptr) return base::fail(base::Errc::Unsupported, "no method " + method);
        return found->handler(params, {{uid, {}, 1}, [&](std::string_view name, const json& told) { told_.emplace_back(name, told); }});
    }
    void create(const std::string& name, const json& definition) {
        const auto created = call("vm.create", {{"vm", name}, {"definition", definition}});
        ASSERT_TRUE(created) << created.error().message();
    }
    base::Error refusal(const std::string& method, const json& params, uid_t uid = 0) {
        auto result = call(method, params, uid);
        if (!result) return std::move(result).error();
        ADD_FAILURE() << method << " was allowed: " << *result;
        return {base::Errc::Io, {}, ""};
    }

    std::filesystem::path directory_;
    std::unique_ptr<definitions::DefinitionStore> store_;
    std::unique_ptr<FakeMachines> machines_;
    preloading::tests::FakeLoop loop_;
    std::unique_ptr<preloading::tests::FakeMakers> makers_;
    std::unique_ptr<preloading::Preloading> preloading_;
    std::unique_ptr<orchestrator::Rights> rights_;
    std::unique_ptr<Access> access_;
    rpc::MethodTable methods_;
    std::vector<std::pair<std::string, json>> told_;
};

TEST_F(ServiceMethods, ListsWhatTheCallerMaySee) {
    const auto all = call("vm.list", json::object()).value();
    ASSERT_EQ(all["vms"].size(), 2U);
    EXPECT_EQ(all["vms"][1],
              json({{"vm", "work"}, {"class", "app"}, {"template", "fedora"}, {"state", "halted"}, {"trouble", ""}, {"tags", {"shared"}}}));
    EXPECT_EQ(call("vm.list", json::object(), alice).value()["vms"].size(), 1U);
    EXPECT_TRUE(call("vm.list", json::object(), 1002).value()["vms"].empty());
}

TEST_F(ServiceMethods, RightsAreJudgedBeforeExistence) {
    const auto existing = refusal("vm.start", {{"vm", "fedora"}}, alice);
    const auto missing = refusal("vm.start", {{"vm", "nobody"}}, alice);
    EXPECT_EQ(existing.code, base::Errc::Denied);
    EXPECT_EQ(missing.code, base::Errc::Denied);
    EXPECT_EQ(existing.message(), "you have no right to start 'fedora', or there is no such VM; orchestrator.toml says who may do what");
    EXPECT_EQ(missing.message(), "you have no right to start 'nobody', or there is no such VM; orchestrator.toml says who may do what");
    EXPECT_EQ(refusal("vm.start", {{"vm", "nobody"}}).code, base::Errc::NotFound);
    for (const auto* method : {"vm.stop", "vm.kill", "vm.pause", "vm.resume", "vm.console", "vm.remove"})
        EXPECT_EQ(refusal(method, {{"vm", "work"}}, alice).code, base::Errc::Denied) << method;
    for (const auto* method : {"vm.rename", "vm.clone"})
        EXPECT_EQ(refusal(method, {{"vm", "work"}, {"to", "x"}}, alice).code, base::Errc::Denied) << method;
    EXPECT_EQ(refusal("vm.create", {{"vm", "work"}, {"toml", ""}}, alice).code, base::Errc::Denied);
    EXPECT_EQ(refusal("vm.set", {{"vm", "work"}, {"changes", json::object()}}, alice).code, base::Errc::Denied);
    EXPECT_EQ(refusal("vm.attach", {{"vm", "work"}, {"path", "/dev/sda"}}, alice).code, base::Errc::Denied);
    EXPECT_EQ(refusal("vm.resize", {{"vm", "work"}}, alice).code, base::Errc::Denied);
}

TEST_F(ServiceMethods, RightsMayChange) {
    EXPECT_TRUE(call("vm.info", {{"vm", "work"}}, alice));
    access_->set_rights({{}, alice + 7});
    EXPECT_EQ(refusal("vm.info", {{"vm", "work"}}, alice).code, base::Errc::Denied);
    EXPECT_TRUE(call("vm.info", {{"vm", "fedora"}}, alice + 7));
}

TEST_F(ServiceMethods, StartsAndTellsItsStages) {
    const auto report = call("vm.start", {{"vm", "work"}}, alice).value();
    EXPECT_EQ(report, json({{"vm", "work"},
                            {"stages", json::array({{{"stage", "create"}, {"microseconds", 7}}})},
                            {"needed", json::array()},
                            {"findings", json::array()}}));
    ASSERT_EQ(told_.size(), 1U);
    EXPECT_EQ(told_[0].first, "vm.stage");
    EXPECT_EQ(told_[0].second, json({{"vm", "work"}, {"stage", "create"}, {"what", "done"}, {"microseconds", 7}, {"remark", ""}}));
    EXPECT_EQ(refusal("vm.start", {{"vm", "work"}}, alice).code, base::Errc::Busy);
    EXPECT_EQ(call("vm.info", {{"vm", "work"}}, alice).value()["state"], "running");
}

TEST_F(ServiceMethods, InfoShowsTheDefinitionAndTheDisks) {
    (void)call("vm.start", {{"vm", "work"}});
    const auto info = call("vm.info", {{"vm", "work"}}).value();
    EXPECT_EQ(info["definition"]["class"], "app");
    EXPECT_EQ(info["definition"]["uuid"].get<std::string>().size(), 36U);
    EXPECT_EQ(info["disks"], json::array({{{"target", "vda"}, {"source", "/varve/root"}, {"read_only", true}}}));
}

// bob may do everything with those that have the tag his.
TEST_F(ServiceMethods, ErrorsNameOnlyVmsThatTheCallerSees) {
    const json his{{"class", "template"}, {"tags", {"his"}}};
    create("base", his);
    create("secret", {{"class", "app"}, {"template", "base"}});
    EXPECT_EQ(refusal("vm.remove", {{"vm", "base"}}, bob).message(), "'base' is the template of others");
    EXPECT_EQ(refusal("vm.set", {{"vm", "base"}, {"changes", {{"class", "standalone"}}}}, bob).message(),
              "another VM starts from it: 'base' is not a template");
    create("known", {{"class", "app"}, {"template", "base"}, {"tags", {"his"}}});
    EXPECT_EQ(refusal("vm.remove", {{"vm", "base"}}, bob).message(), "'base' is the template of 'known' and others");
    EXPECT_EQ(refusal("vm.remove", {{"vm", "base"}}).message(), "'base' is the template of 'known', 'secret'");
    create("net", {{"class", "standalone"}, {"tags", {"his"}}});
    create("wall", {{"class", "standalone"}, {"needs", {"net"}}});
    EXPECT_EQ(refusal("vm.remove", {{"vm", "net"}}, bob).message(), "'net' is needed by others");
    EXPECT_EQ(refusal("vm.set", {{"vm", "net"}, {"changes", {{"needs", "wall"}}}}, bob).message(),
              "'net' cannot be so: VMs need each other in a circle: net needs another VM needs net");
    EXPECT_EQ(refusal("vm.set", {{"vm", "net"}, {"changes", {{"needs", "wall"}}}}).message(),
              "'net' cannot be so: VMs need each other in a circle: net needs wall needs net");
}

TEST_F(ServiceMethods, AStartTellsOfNoOthersThanTheCallerSees) {
    create("hidden", {{"class", "standalone"}});
    create("net", {{"class", "standalone"}, {"needs", {"hidden"}}, {"tags", {"his"}}});
    create("top", {{"class", "standalone"}, {"needs", {"net", "hidden"}}, {"tags", {"his"}}});
    const auto report = call("vm.start", {{"vm", "top"}}, bob).value();
    ASSERT_EQ(report["needed"].size(), 1U);
    EXPECT_EQ(report["needed"][0]["vm"], "net");
    EXPECT_TRUE(report["needed"][0]["needed"].empty());
    ASSERT_EQ(told_.size(), 2U);
    EXPECT_EQ(told_[0].second["vm"], "top");
    EXPECT_EQ(told_[1].second["vm"], "net");
    for (const auto* vm : {"top", "net", "hidden"}) ASSERT_TRUE(call("vm.kill", {{"vm", vm}}));
    EXPECT_EQ(call("vm.start", {{"vm", "top"}}).value()["needed"][0]["needed"][0]["vm"], "hidden");
}

TEST_F(ServiceMethods, AStartThatFailsTellsWhyToWhoSeesIt) {
    create("hidden", {{"class", "standalone"}});
    create("net", {{"class", "standalone"}, {"needs", {"hidden"}}, {"tags", {"his"}}});
    create("top", {{"class", "standalone"}, {"needs", {"net"}}, {"tags", {"his"}}});
    machines_->broken[base::VmName::parse("hidden").value()] = "the volume fast/hidden/root does not exist";
    const auto his = refusal("vm.start", {{"vm", "top"}}, bob).message();
    EXPECT_EQ(his,
              "starting top failed at the stage 'needs': top needs net, which could not be started; "
              "starting net failed at the stage 'needs': net needs hidden, which could not be started");
    for (const auto& [method, params] : told_) EXPECT_NE(params["vm"], "hidden");
    EXPECT_EQ(refusal("vm.start", {{"vm", "top"}}).message(),
              his + "; starting hidden failed at the stage 'create': the volume fast/hidden/root does not exist");
    // What fails by itself is told once.
    EXPECT_EQ(refusal("vm.start", {{"vm", "hidden"}}).message(),
              "starting hidden failed at the stage 'create': the volume fast/hidden/root does not exist");
}

TEST_F(ServiceMethods, StopRefusesWhatRunningVmsNeed) {
    create("net", {{"class", "standalone"}, {"tags", {"his"}}});
    create("hidden", {{"class", "standalone"}, {"needs", {"net"}}});
    const json net{{"vm", "net"}};
    ASSERT_TRUE(call("vm.start", {{"vm", "hidden"}}));
    const auto refused = refusal("vm.stop", net);
    EXPECT_EQ(refused.code, base::Errc::Busy);
    EXPECT_EQ(refused.message(), "'net' is needed by VMs that run ('hidden'): stop these first, or use --force");
    EXPECT_EQ(refusal("vm.stop", net, bob).message(), "'net' is needed by VMs that run (others): stop these first, or use --force");
    EXPECT_EQ(call("vm.info", net).value()["state"], "running");
    // It may be stopping, and need it for that.
    machines_->become(base::VmName::parse("hidden").value(), vm::VmState::Stopping);
    EXPECT_EQ(refusal("vm.stop", net).code, base::Errc::Busy);
    const auto forced = call("vm.stop", {{"vm", "net"}, {"force", true}});
    EXPECT_TRUE(forced) << forced.error().message();
    EXPECT_EQ(call("vm.info", net).value()["state"], "halted");
    machines_->become(base::VmName::parse("hidden").value(), vm::VmState::Running);
    EXPECT_TRUE(call("vm.stop", net)) << "one that does not run says that itself";
    // Whatever happens to it otherwise.
    ASSERT_TRUE(call("vm.start", net));
    EXPECT_TRUE(call("vm.kill", net));
    ASSERT_TRUE(call("vm.start", net));
    ASSERT_TRUE(call("vm.stop", {{"vm", "hidden"}}));
    EXPECT_TRUE(call("vm.stop", net)) << "nothing that runs needs it";
}

TEST_F(ServiceMethods, StopLooksAgainForWhoHasJustStarted) {
    create("net", {{"class", "standalone"}});
    create("play", {{"class", "standalone"}, {"needs", {"net"}}});
    const json net{{"vm", "net"}};
    ASSERT_TRUE(call("vm.start", net));
    const auto starts = [&] { machines_->become(base::VmName::parse("play").value(), vm::VmState::Starting); };
    machines_->before_stop = starts;
    EXPECT_EQ(refusal("vm.stop", net).message(), "'net' is needed by VMs that run ('play'): stop these first, or use --force");
    EXPECT_EQ(call("vm.info", net).value()["state"], "running");
    machines_->before_stop = starts;
    EXPECT_TRUE(call("vm.stop", {{"vm", "net"}, {"force", true}}));
}

TEST_F(ServiceMethods, StopTakesADeadline) {
    (void)call("vm.start", {{"vm", "work"}});
    const auto stopped = call("vm.stop", {{"vm", "work"}, {"deadline", 1500}, {"then_kill", false}});
    ASSERT_TRUE(stopped) << stopped.error().message();
    EXPECT_EQ(machines_->last_stop.deadline, std::chrono::milliseconds(1500));
    EXPECT_FALSE(machines_->last_stop.then_kill);
    EXPECT_EQ(refusal("vm.stop", {{"vm", "work"}, {"deadline", -1}}).code, base::Errc::InvalidArgument);
    EXPECT_EQ(refusal("vm.stop", {{"vm", "work"}, {"deadline", 1e300}}).code, base::Errc::InvalidArgument);
}

TEST_F(ServiceMethods, PausesResumesAndKills) {
    (void)call("vm.start", {{"vm", "work"}});
    ASSERT_TRUE(call("vm.pause", {{"vm", "work"}}));
    EXPECT_EQ(call("vm.info", {{"vm", "work"}}).value()["state"], "paused");
    ASSERT_TRUE(call("vm.resume", {{"vm", "work"}}));
    EXPECT_EQ(call("vm.kill", {{"vm", "work"}}).value()["killed"], true);
    EXPECT_EQ(call("vm.console", {{"vm", "work"}}).value(), json({{"path", "/dev/pts/7"}}));
}

TEST_F(ServiceMethods, OpensAConsoleForWhoMayUseIt) {
    const base::UniqueFd guest(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_TRUE(guest.valid() && ::grantpt(guest.get()) == 0 && ::unlockpt(guest.get()) == 0);
    std::array<char, 64> name{};
    ASSERT_EQ(::ptsname_r(guest.get(), name.data(), name.size()), 0);
    const std::filesystem::path terminal(name.data());
    base::UniqueFd got;
    const auto open = [&](std::deque<std::filesystem::path> consoles) {
        machines_->consoles = std::move(consoles);
        got.reset();
        return methods_.find("vm.console")->handler({{"vm", "work"}, {"open", true}}, {{0, {}, 1}, {}, [&](base::UniqueFd fd) {
                                                                                           got = std::move(fd);
                                                                                       }});
    };
    ASSERT_TRUE(open({terminal}));
    ASSERT_EQ(::write(got.get(), "hello\n", 6), 6);
    std::array<char, 16> heard{};
    EXPECT_GE(::read(guest.get(), heard.data(), heard.size()), 6);
    EXPECT_EQ(std::string(heard.data(), 5), "hello");

    // Its number may be somebody else's by the time that it is open.
    const auto gone = open({terminal, "/dev/pts/none"});
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().code, base::Errc::Busy);
    EXPECT_FALSE(got.valid());
    const auto no_terminal = open({"/dev/null"});
    ASSERT_FALSE(no_terminal);
    EXPECT_EQ(no_terminal.error().code, base::Errc::Corrupt);
    EXPECT_FALSE(got.valid());
    EXPECT_FALSE(open({directory_ / "nothing"}));
    EXPECT_EQ(refusal("vm.console", {{"vm", "work"}, {"open", true}}).code, base::Errc::InvalidArgument) << "as in a batch";
    EXPECT_EQ(refusal("vm.console", {{"vm", "work"}, {"open", true}}, alice).code, base::Errc::Denied);
}

TEST_F(ServiceMethods, DefinitionsComeAsObjectsOrAsToml) {
    ASSERT_TRUE(
        call("vm.create", {{"vm", "one"}, {"toml", "class = \"standalone\"\nvcpus = 2\n[[volume]]\nname = \"root\"\npool = \"p\"\n"}}));
    ASSERT_TRUE(
        call("vm.create",
             {{"vm", "two"}, {"definition", {{"class", "standalone"}, {"vcpus", 2}, {"volume", {{{"name", "root"}, {"pool", "p"}}}}}}}));
    auto one = store_->find(base::VmName::parse("one").value()).value();
    const auto two = store_->find(base::VmName::parse("two").value()).value();
    EXPECT_NE(one.uuid, two.uuid);
    one.name = two.name;
    one.uuid = two.uuid;
    EXPECT_EQ(one, two);
}

TEST_F(ServiceMethods, KeysMayBeSetWhileCreating) {
    ASSERT_TRUE(call("vm.create", {{"vm", "one"}, {"changes", {{"class", "app"}, {"template", "fedora"}, {"memory", "2G"}}}}));
    EXPECT_EQ(call("vm.info", {{"vm", "one"}}).value()["definition"]["memory"], "2G");
    EXPECT_EQ(refusal("vm.create", {{"vm", "two"}, {"toml", ""}, {"definition", json::object()}}).code, base::Errc::InvalidArgument);
}

TEST_F(ServiceMethods, AllMistakesOfADefinitionAreNamed) {
    EXPECT_EQ(refusal("vm.create", {{"vm", "one"}, {"toml", "class = \"x\"\nvcpus = 0\n"}}).message(),
              "line 1: class: expected \"template\", \"app\", \"standalone\" or \"disposable\", not the string 'x'; "
              "line 2: vcpus: expected a number from 1 to 512, not the number 0");
    EXPECT_EQ(refusal("vm.create", {{"vm", "one"}}).code, base::Errc::InvalidArgument);
    EXPECT_EQ(refusal("vm.create", {{"vm", "../one"}, {"toml", ""}}).code, base::Errc::InvalidName);
    EXPECT_EQ(refusal("vm.create", {{"vm", "one"}, {"definition", {{"class", {1, 2}}}}}).code, base::Errc::InvalidArgument);
    EXPECT_EQ(refusal("vm.create", {{"vm", "work"}, {"toml", "class = \"standalone\""}}).code, base::Errc::Exists);
}

TEST_F(ServiceMethods, ChangesKeys) {
    EXPECT_EQ(call("vm.set", {{"vm", "work"}, {"changes", {{"memory", "1G"}, {"vcpus", "3"}}}}).value()["vcpus"], 3);
    EXPECT_EQ(refusal("vm.set", {{"vm", "work"}, {"changes", {{"memory", "2G"}, {"vcpus", "many"}}}}).code, base::Errc::InvalidArgument);
    EXPECT_EQ(call("vm.info", {{"vm", "work"}}).value()["definition"]["memory"], "1G");
    EXPECT_EQ(refusal("vm.set", {{"vm", "work"}, {"changes", {{"vcpus", 3}}}}).code, base::Errc::InvalidArgument);
}

TEST_F(ServiceMethods, ReplacesADefinition) {
    const auto before = call("vm.info", {{"vm", "work"}}).value();
    const auto text = before["toml"].get<std::string>();
    EXPECT_EQ(call("vm.set", {{"vm", "work"}, {"toml", text}}).value(), before["definition"]) << "what is told can be given back";

    const auto with = text + "\n[[interface]]\nnetwork = \"lan\"\n";
    const auto changed = call("vm.set", {{"vm", "work"}, {"toml", with}, {"changes", {{"vcpus", "5"}}}}).value();
    EXPECT_EQ(changed["interface"][0]["network"], "lan");
    EXPECT_EQ(changed["vcpus"], 5);
    EXPECT_EQ(changed["uuid"], before["definition"]["uuid"]);

    const auto refused = call("vm.info", {{"vm", "work"}}).value()["definition"];
    for (const auto& wrong : {std::string("class = \"standalone\"\nuuid = \"00000000-0000-4000-8000-000000000000\"\n"),
                              std::string("class = \"app\"\ntemplate = \"nobody\"\n"), std::string("vcpus = 2\n"), std::string("\"")})
        EXPECT_EQ(refusal("vm.set", {{"vm", "work"}, {"toml", wrong}}).code, base::Errc::InvalidArgument) << wrong;
    EXPECT_EQ(refusal("vm.set", {{"vm", "nobody"}, {"toml", text}}).code, base::Errc::NotFound);
    EXPECT_EQ(call("vm.info", {{"vm", "work"}}).value()["definition"], refused);
}

TEST_F(ServiceMethods, RenamesClonesAndRemoves) {
    ASSERT_TRUE(call("vm.rename", {{"vm", "fedora"}, {"to", "debian"}}));
    ASSERT_TRUE(call("vm.clone", {{"vm", "work"}, {"to", "play"}}));
    EXPECT_EQ(call("vm.info", {{"vm", "play"}}).value()["template"], "debian");
    EXPECT_EQ(refusal("vm.remove", {{"vm", "debian"}}).code, base::Errc::Busy);
    ASSERT_TRUE(call("vm.remove", {{"vm", "play"}}));
    EXPECT_EQ(call("vm.list", json::object()).value()["vms"].size(), 2U);
}

TEST_F(ServiceMethods, DisksArePluggedAndGrown) {
    EXPECT_EQ(call("vm.attach", {{"vm", "work"}, {"path", "/varve/x"}, {"target", "vdb"}}).value(), json({{"target", "vdx"}}));
    EXPECT_EQ(machines_->last_attach.target->str(), "vdb");
    EXPECT_FALSE(machines_->last_attach.writable);
    EXPECT_EQ(refusal("vm.attach", {{"vm", "work"}, {"path", "x"}}).code, base::Errc::InvalidArgument);
    ASSERT_TRUE(call("vm.detach", {{"vm", "work"}, {"target", "vdb"}}));
    ASSERT_TRUE(call("vm.resize", {{"vm", "work"}, {"pool", "p"}, {"volume", "root"}, {"size", 1024}}));
    EXPECT_EQ(machines_->last_resize, "p/work/root 1024");
    EXPECT_EQ(refusal("vm.resize", {{"vm", "work"}, {"volume", "missing"}, {"size", 1024}}).code, base::Errc::NotFound);
    ASSERT_TRUE(call("vm.create", {{"vm", "big"}, {"toml", "class = \"standalone\"\n[[volume]]\nname = \"data\"\npool = \"slow\"\n"}}));
    EXPECT_EQ(call("vm.resize", {{"vm", "big"}, {"volume", "data"}, {"size", 2048}}).value(),
              json({{"volume", "slow/big/data"}, {"size", 2048}}));
    EXPECT_EQ(machines_->last_resize, "slow/big/data 2048");
}

// A mount with volumes of bobs, lent, work, which bob may see, and secret; bobs/boot.img and bobs/leak.img are snapshots of others' volumes.
class AttachedPaths : public ServiceMethods {
protected:
    void SetUp() override {
        ServiceMethods::SetUp();
        mount_ = directory_ / "mount";
        pool_ = mount_ / "pools" / "p";
        create("bobs", {{"class", "standalone"}});
        create("lent", {{"class", "standalone"}});
        create("secret", {{"class", "standalone"}});
        for (const auto* vm : {"work", "bobs", "lent", "secret"}) {
            std::filesystem::create_directories(pool_ / vm);
            std::filesystem::create_directories(mount_ / "vms" / vm);
            for (const auto* file : {"root.img", "root.img@current", "root.img@kept"}) std::ofstream(pool_ / vm / file) << "x";
            std::filesystem::create_symlink(std::string("../../pools/p/") + vm + "/root.img", mount_ / "vms" / vm / "root.img");
        }
        std::filesystem::create_symlink("../lent/root.img@current", pool_ / "bobs" / "boot.img");
        std::filesystem::create_symlink("../secret/root.img@current", pool_ / "bobs" / "leak.img");
        std::filesystem::create_symlink("/dev/null", pool_ / "bobs" / "null.img");
    }
    base::Errc refused(const std::filesystem::path& path, bool writable = false, uid_t uid = bob) {
        return refusal("vm.attach", {{"vm", "bobs"}, {"path", path.string()}, {"writable", writable}}, uid).code;
    }
    std::string attached(const std::filesystem::path& path, bool writable = false, uid_t uid = bob) {
        const auto done = call("vm.attach", {{"vm", "bobs"}, {"path", path.string()}, {"writable", writable}}, uid);
        return done ? machines_->last_attach.path.string() : done.error().message();
    }

    std::filesystem::path mount_;
    std::filesystem::path pool_;
};

TEST_F(AttachedPaths, AreStatesOfVmsThatTheCallerMayAttach) {
    EXPECT_EQ(attached(pool_ / "lent" / "root.img"), pool_ / "lent" / "root.img");
    EXPECT_EQ(attached(pool_ / "bobs" / "root.img@kept"), pool_ / "bobs" / "root.img@kept");
    EXPECT_EQ(attached(pool_ / "bobs" / "boot.img"), pool_ / "lent" / "root.img@current") << "no link is left that could change";
    EXPECT_EQ(attached(mount_ / "vms" / "lent" / "root.img"), pool_ / "lent" / "root.img");
    EXPECT_EQ(refused(pool_ / "lent" / "nothing.img"), base::Errc::NotFound);
    EXPECT_EQ(refused(pool_ / "work" / "root.img"), base::Errc::Denied) << "seeing a VM is not reading its disks";
    const auto hidden = refusal("vm.attach", {{"vm", "bobs"}, {"path", (pool_ / "secret" / "root.img").string()}}, bob);
    EXPECT_EQ(hidden.message(), "you have no right to attach 'secret', or there is no such VM; orchestrator.toml says who may do what");
    const auto missing = refusal("vm.attach", {{"vm", "bobs"}, {"path", (pool_ / "missing" / "root.img").string()}}, bob);
    EXPECT_EQ(missing.message(), "you have no right to attach 'missing', or there is no such VM; orchestrator.toml says who may do what");
    EXPECT_EQ(refused(pool_ / "bobs" / "leak.img"), base::Errc::Denied) << "the link leads to another's";
}

TEST_F(AttachedPaths, ElsewhereAreForAdministratorsAlone) {
    machines_->last_attach.path.clear();
    for (const auto& path : {std::filesystem::path("/dev/null"), std::filesystem::path("/dev/no-such-device"), pool_ / "bobs" / "null.img",
                             pool_ / "bobs" / ".." / "secret" / "root.img", pool_ / "bobs" / "." / "root.img",
                             mount_ / "pools" / "p" / "bobs", pool_ / "bobs" / ".varve" / "root", mount_ / ".varve" / "version",
                             pool_ / "bobs" / ".scratch.img", std::filesystem::path(mount_.string() + "//pools/p/bobs/root.img"),
                             std::filesystem::path(mount_.string() + "s/pools/p/bobs/root.img")}) {
        EXPECT_EQ(refused(path), base::Errc::Denied) << path;
        EXPECT_EQ(machines_->last_attach.path, "") << path;
    }
    EXPECT_EQ(attached("/dev/null", true, 0), "/dev/null");
    EXPECT_EQ(attached(pool_ / "bobs" / "leak.img", false, 0), pool_ / "bobs" / "leak.img");
}

TEST_F(ServiceMethods, UnknownParametersAreRefused) {
    EXPECT_EQ(refusal("vm.start", {{"vm", "work"}, {"forse", true}}).message(), "there is no parameter 'forse'");
    EXPECT_EQ(refusal("vm.stop", {{"vm", "work"}, {"dedline", 1}}).message(), "there is no parameter 'dedline': did you mean 'deadline'?");
    EXPECT_EQ(refusal("vm.start", {{"vm", 7}}).message(), "the parameter 'vm' must be given, and a string");
    EXPECT_EQ(refusal("vm.list", {{"vm", "x"}}).code, base::Errc::InvalidArgument);
}

}  // namespace
}  // namespace varve::service::tests
