// SPDX-License-Identifier: LGPL-2.1-or-later
// Preloading through the API, on the real loop: rights, what is shown, and what a template's change does to its preloaded disposables.
#include "orchestrator/preloading/asio_loop.h"
#include "orchestrator/service/methods.h"
#include "tests/support/waiting.h"
#include "tests/unit/service/fake_places.h"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <future>
#include <thread>

namespace varve::service::tests {
namespace {

using definitions::tests::accepted;
using definitions::tests::vm_name;
using nlohmann::json;
using orchestrator::Verb;

constexpr uid_t somebody = 1000;
constexpr uid_t mighty = 1001;  // may do everything with all VMs, and is no administrator

class PreloadMethods : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "varve-preload-methods-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
        store_ = definitions::DefinitionStore::open(directory_).value();
        machines_ = std::make_unique<FakeMachines>(*store_);
        ASSERT_TRUE(store_->create(accepted("fedora", "class = \"template\"\n")));
        for (const auto* name : {"dvm", "secret"})
            ASSERT_TRUE(store_->create(accepted(name, "class = \"app\"\ntemplate = \"fedora\"\ntemplate_for_dispvms = true\n")));
        requesters_ = Requesters::open(directory_ / "requesters", *store_).value();
        disposables_ = std::make_unique<Disposables>(
            *store_, *machines_, places_,
            disposables::Ids::open(directory_ / "ids", clock_, [next = 0U](std::uint32_t) mutable { return ++next; }).value(), std::nullopt,
            *requesters_, [](const base::VmName&, const base::Error&) {});
        loop_ = std::make_unique<preloading::AsioLoop>(io_);
        preloading_ = std::make_unique<preloading::Preloading>(*loop_, *store_, *machines_, *disposables_,
                                                               preloading::Records::open(directory_ / "preloads").value(),
                                                               preloading::SystemSettings{}, [](const std::string&, const base::Error&) {});
        preloading_->recover();
        std::set<Verb> all;
        for (const auto name : orchestrator::verb_names()) all.insert(*orchestrator::verb_named(name));
        rights_ = std::make_unique<orchestrator::Rights>(
            std::vector<orchestrator::Right>{
                {orchestrator::UserId{somebody}, {Verb::See, Verb::Dispose}, {orchestrator::VmPattern::parse("dvm").value()}},
                {orchestrator::UserId{somebody}, {Verb::See}, {orchestrator::VmPattern::parse("@seen").value()}},
                {orchestrator::UserId{mighty}, all, {orchestrator::VmPattern::parse("*").value()}}},
            0);
        access_ = std::make_unique<Access>(
            *rights_, *store_, [this](const base::VmName& vm) { return preloading_->holds(vm); }, requesters_.get());
        add_definition_methods(methods_, *store_, *preloading_, *access_);
        add_vm_methods(methods_, *machines_, *store_, *preloading_, *access_, directory_);
        add_disposable_methods(methods_, *disposables_, *preloading_, *access_);
        add_preload_methods(methods_, *preloading_, *access_);
        thread_ = std::thread([this] {
            const auto hold = boost::asio::make_work_guard(io_);
            io_.run();
        });
    }
    void TearDown() override {
        preloading_->stop();
        io_.stop();
        thread_.join();
        preloading_.reset();
        disposables_.reset();
        std::filesystem::remove_all(directory_);
    }

    base::Result<json> call(const std::string& method, const json& params = json::object(), uid_t uid = 0) {
        const auto* found = methods_.find(method);
        if (found == nullptr) return base::fail(base::Errc::Unsupported, "no method " + method);
        return found->handler(params, {{uid, {}, 1}, [](std::string_view, const json&) {}});
    }
    base::Errc refusal(const std::string& method, const json& params, uid_t uid = 0) {
        const auto result = call(method, params, uid);
        EXPECT_FALSE(result) << method << " was allowed: " << *result;
        return result ? base::Errc::Io : result.error().code;
    }
    void set_max(const std::string& vm, const std::string& max) {
        const auto set = call("vm.set", {{"vm", vm}, {"changes", {{"preload-dispvm-max", max}}}});
        ASSERT_TRUE(set) << set.error().message();
    }
    json status_of(const std::string& vm, uid_t uid = 0) {
        const auto status = call("preload.status", json::object(), uid).value();
        for (const auto& each : status["templates"])
            if (each["template"] == vm) return each;
        return {};
    }
    // Whether so many come to be ready.
    bool come_ready(const std::string& vm, std::size_t count) {
        return test_support::eventually([&] {
            const auto status = status_of(vm);
            std::size_t ready = 0;
            if (status.is_object())
                for (const auto& each : status["preloads"]) ready += each["phase"] == "ready" && each["outdated"] == false ? 1U : 0U;
            return ready == count;
        });
    }
    bool lists(const std::string& vm, const json& params = json::object(), uid_t uid = 0) {
        const auto list = call("vm.list", params, uid).value();
        for (const auto& each : list["vms"])
            if (each["vm"] == vm) return true;
        return false;
    }

    std::filesystem::path directory_;
    base::SystemClock clock_;
    boost::asio::io_context io_;
    std::unique_ptr<definitions::DefinitionStore> store_;
    std::unique_ptr<FakeMachines> machines_;
    FakePlaces places_;
    std::unique_ptr<Requesters> requesters_;
    std::unique_ptr<Disposables> disposables_;
    std::unique_ptr<preloading::AsioLoop> loop_;
    std::unique_ptr<preloading::Preloading> preloading_;
    std::unique_ptr<orchestrator::Rights> rights_;
    std::unique_ptr<Access> access_;
    rpc::MethodTable methods_;
    std::thread thread_;
};

TEST_F(PreloadMethods, OneIsKeptReadyHiddenAndHandedOut) {
    set_max("dvm", "1");
    ASSERT_TRUE(call("preload.begin"));
    ASSERT_TRUE(come_ready("dvm", 1));
    const auto status = call("preload.status").value();
    EXPECT_EQ(status["begun"], true);
    EXPECT_EQ(status["suspended"], false);
    EXPECT_EQ(status["wants_memory"], false);
    const auto name = status_of("dvm")["preloads"][0]["vm"].get<std::string>();
    EXPECT_EQ(
        status_of("dvm"),
        json({{"template", "dvm"}, {"max", 1}, {"trouble", ""}, {"preloads", {{{"vm", name}, {"phase", "ready"}, {"outdated", false}}}}}));
    EXPECT_FALSE(lists(name));
    EXPECT_TRUE(lists(name, {{"all", true}}));
    const auto run = call("disp.run", {{"template", "dvm"}}, somebody);
    ASSERT_TRUE(run) << run.error().message();
    EXPECT_EQ((*run)["vm"], name);
    EXPECT_EQ((*run)["template"], "dvm");
    EXPECT_EQ((*run)["stages"][0]["stage"], "resume");
    EXPECT_EQ(machines_->info(vm_name(name))->state, vm::VmState::Running);
    EXPECT_TRUE(lists(name));
}

TEST_F(PreloadMethods, WithoutOneItStartsCold) {
    const auto run = call("disp.run", {{"template", "dvm"}});
    ASSERT_TRUE(run) << run.error().message();
    EXPECT_EQ((*run)["stages"][0]["stage"], "create");
    // And nothing waits for that start any more.
    set_max("dvm", "1");
    ASSERT_TRUE(call("preload.begin"));
    EXPECT_TRUE(come_ready("dvm", 1));
}

// The caller's default_dispvm is asked for: what it is must not be told to those who may not see the caller.
TEST_F(PreloadMethods, ACallerGetsOneOfItsDefault) {
    const std::string app = "class = \"app\"\ntemplate = \"fedora\"\ndefault_dispvm = ";
    ASSERT_TRUE(store_->create(accepted("mail", app + "\"dvm\"\n")));
    ASSERT_TRUE(store_->create(accepted("vault", app + "\"secret\"\n")));
    ASSERT_TRUE(store_->create(accepted("locked", app + "\"none\"\n")));
    const auto run = call("disp.run", {{"caller", "mail"}});
    ASSERT_TRUE(run) << run.error().message();
    EXPECT_EQ((*run)["template"], "dvm");
    // A disposable's is its own template, whatever else.
    const auto again = call("disp.run", {{"caller", (*run)["vm"]}});
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ((*again)["template"], "dvm");
    EXPECT_EQ(refusal("disp.run", {{"caller", "locked"}}), base::Errc::Denied);
    EXPECT_EQ(refusal("disp.run", {{"caller", "missing"}}), base::Errc::NotFound);
    EXPECT_EQ(refusal("disp.run", {{"caller", "../x"}}), base::Errc::InvalidName);
    EXPECT_EQ(refusal("disp.run", {{"caller", "mail"}, {"template", "dvm"}}), base::Errc::InvalidArgument);
    EXPECT_EQ(refusal("disp.run", {{"caller", "mail"}, {"tag", "web"}}), base::Errc::InvalidArgument);
}

TEST_F(PreloadMethods, ACallerIsNamedByThoseWhoSeeIt) {
    const std::string app = "class = \"app\"\ntemplate = \"fedora\"\ndefault_dispvm = ";
    ASSERT_TRUE(store_->create(accepted("mail", app + "\"dvm\"\n")));
    ASSERT_TRUE(store_->create(accepted("vault", app + "\"secret\"\ntags = [\"seen\"]\n")));
    const auto said = [&](const std::string& caller) {
        const auto result = call("disp.run", {{"caller", caller}}, somebody);
        return result ? "allowed" : result.error().message();
    };
    EXPECT_EQ(said("mail"), "you have no right to see 'mail', or there is no such VM; orchestrator.toml says who may do what");
    EXPECT_EQ(said("missing"), "you have no right to see 'missing', or there is no such VM; orchestrator.toml says who may do what");
    EXPECT_EQ(said("vault"), "you have no right to dispose 'secret', or there is no such VM; orchestrator.toml says who may do what")
        << "one whom he sees, and whose default he may not have";
    ASSERT_TRUE(store_->set(vm_name("mail"), {{"tags", "seen"}}));
    EXPECT_EQ(said("mail"), "allowed");
}

TEST_F(PreloadMethods, WhoMayWhat) {
    set_max("dvm", "1");
    set_max("secret", "1");
    ASSERT_TRUE(call("preload.begin"));
    ASSERT_TRUE(come_ready("dvm", 1));
    ASSERT_TRUE(come_ready("secret", 1));
    EXPECT_TRUE(status_of("dvm", somebody).is_object());
    EXPECT_TRUE(status_of("secret", somebody).is_null());
    for (const auto* method : {"preload.begin", "preload.suspend", "preload.resume"})
        EXPECT_EQ(refusal(method, json::object(), somebody), base::Errc::Denied) << method;
    for (const auto* name : {"dvm", "secret", "missing"})
        EXPECT_EQ(refusal("preload.refresh", {{"template", name}}, somebody), base::Errc::Denied) << name;
    EXPECT_EQ(refusal("preload.refresh", {{"template", "missing"}}), base::Errc::NotFound);
    EXPECT_EQ(refusal("preload.refresh", {{"template", "fedora"}}), base::Errc::InvalidArgument);
    EXPECT_EQ(refusal("preload.begin", {{"now", true}}), base::Errc::InvalidArgument);
}

// What was plugged into one would be handed to the next caller.
TEST_F(PreloadMethods, OneThatIsKeptReadyIsNobodysToChange) {
    set_max("dvm", "1");
    ASSERT_TRUE(call("preload.begin"));
    ASSERT_TRUE(come_ready("dvm", 1));
    const auto name = status_of("dvm")["preloads"][0]["vm"].get<std::string>();
    const std::vector<std::pair<std::string, json>> methods{{"vm.info", {}},
                                                            {"vm.console", {}},
                                                            {"vm.resume", {}},
                                                            {"vm.kill", {}},
                                                            {"vm.remove", {}},
                                                            {"vm.start", {}},
                                                            {"vm.stop", {}},
                                                            {"vm.pause", {}},
                                                            {"vm.attach", {{"path", "/dev/null"}}},
                                                            {"vm.detach", {{"target", "vdb"}}},
                                                            {"vm.resize", {{"pool", "p"}, {"volume", "root"}, {"size", 1024}}},
                                                            {"vm.set", {{"changes", {{"memory", "2G"}}}}},
                                                            {"vm.rename", {{"to", "mine"}}},
                                                            {"vm.clone", {{"to", "mine"}}}};
    const auto said = [&](const std::string& method, json params, const std::string& vm, uid_t uid) {
        params["vm"] = vm;
        const auto result = call(method, params, uid);
        return result ? "allowed" : std::string(base::name_of(result.error().code)) + result.error().message();
    };
    for (const auto& [method, params] : methods) {
        auto there = said(method, params, name, mighty);
        auto missing = said(method, params, "disp9", mighty);
        ASSERT_NE(there.find("'" + name + "'"), std::string::npos) << method << ": " << there;
        EXPECT_EQ(there.replace(there.find(name), name.size(), "disp9"), missing) << method << ": it does not exist for him";
    }
    EXPECT_FALSE(lists(name, {{"all", true}}, mighty));
    for (std::size_t index = 5; index < methods.size(); ++index) {
        auto params = methods[index].second;
        params["vm"] = name;
        EXPECT_EQ(refusal(methods[index].first, params), base::Errc::Busy) << methods[index].first;
    }
    EXPECT_TRUE(machines_->last_attach.path.empty());
    EXPECT_EQ(said("vm.info", {}, name, 0), "allowed");
    EXPECT_EQ(said("vm.console", {}, name, 0), "allowed");
    // Who resumes it has it: from then on it is as any other.
    EXPECT_EQ(said("vm.resume", {}, name, 0), "allowed");
    ASSERT_TRUE(test_support::eventually([&] { return !preloading_->holds(vm_name(name)); }));
    EXPECT_EQ(said("vm.info", {}, name, mighty), "allowed");
    EXPECT_EQ(said("vm.attach", {{"path", "/dev/null"}}, name, 0), "allowed");
}

// The right to dispose is one to the template: what comes of it is his who asked.
TEST_F(PreloadMethods, WhoAskedForOneMayUseItAndEndIt) {
    for (const bool preloaded : {false, true}) {
        if (preloaded) {
            set_max("dvm", "1");
            ASSERT_TRUE(call("preload.begin"));
            ASSERT_TRUE(come_ready("dvm", 1));
        }
        const auto run = call("disp.run", {{"template", "dvm"}}, somebody);
        ASSERT_TRUE(run) << run.error().message();
        ASSERT_EQ((*run)["stages"][0]["stage"], preloaded ? "resume" : "create");
        const json one{{"vm", (*run)["vm"]}};
        EXPECT_TRUE(lists((*run)["vm"], json::object(), somebody));
        for (const auto* method : {"vm.info", "vm.console", "vm.pause", "vm.resume"}) EXPECT_TRUE(call(method, one, somebody)) << method;
        for (const auto* method : {"vm.start", "vm.remove"}) EXPECT_EQ(refusal(method, one, somebody), base::Errc::Denied) << method;
        for (const auto* method : {"vm.info", "vm.kill"}) EXPECT_EQ(refusal(method, one, 1002), base::Errc::Denied) << method;
        // To the next orchestrator, too.
        const auto next = Requesters::open(directory_ / "requesters", *store_).value();
        EXPECT_TRUE(next->is_requester(somebody, store_->find(vm_name((*run)["vm"].get<std::string>())).value()));
        EXPECT_TRUE(call(preloaded ? "vm.kill" : "vm.stop", one, somebody));
    }
}

TEST_F(PreloadMethods, WhatIsKeptReadyDoesNotKeepOthersRunning) {
    ASSERT_TRUE(store_->create(accepted("net", "class = \"standalone\"\n")));
    ASSERT_TRUE(call("vm.set", {{"vm", "dvm"}, {"changes", {{"needs", "net"}}}}));
    set_max("dvm", "1");
    ASSERT_TRUE(call("preload.begin"));
    ASSERT_TRUE(come_ready("dvm", 1));
    const json net{{"vm", "net"}};
    ASSERT_EQ(call("vm.info", net).value()["state"], "running");
    EXPECT_TRUE(call("vm.stop", net));
    ASSERT_TRUE(call("vm.start", net));
    // Somebody's does.
    ASSERT_TRUE(call("disp.run", {{"template", "dvm"}}));
    EXPECT_EQ(refusal("vm.stop", net), base::Errc::Busy);
    EXPECT_TRUE(call("vm.stop", {{"vm", "net"}, {"force", true}}));
}

TEST_F(PreloadMethods, SuspendRemovesAllBeforeItAnswers) {
    set_max("dvm", "2");
    ASSERT_TRUE(call("preload.begin"));
    ASSERT_TRUE(come_ready("dvm", 2));
    ASSERT_TRUE(call("preload.suspend"));
    EXPECT_EQ(store_->all().size(), 3U);
    EXPECT_EQ(call("preload.status").value()["suspended"], true);
    ASSERT_TRUE(call("preload.resume"));
    EXPECT_TRUE(come_ready("dvm", 2));
}

TEST_F(PreloadMethods, SuspendAnswersInTimeAlthoughSomeHaveNotGone) {
    set_max("dvm", "1");
    ASSERT_TRUE(call("preload.begin"));
    ASSERT_TRUE(come_ready("dvm", 1));
    std::promise<void> ends;
    machines_->before_kill = [may_end = ends.get_future().share()] { may_end.wait(); };
    EXPECT_EQ(call("preload.suspend", {{"timeout", 10}}).value(), json({{"gone", false}}));
    EXPECT_TRUE(test_support::eventually([&] { return call("preload.status").value()["suspended"] == true; }));
    ends.set_value();
    EXPECT_EQ(call("preload.suspend", {{"timeout", 60000}}).value(), json({{"gone", true}}));
    EXPECT_EQ(store_->all().size(), 3U);
    EXPECT_EQ(refusal("preload.suspend", {{"timeout", "soon"}}), base::Errc::InvalidArgument);
}

TEST_F(PreloadMethods, ATemplateThatIsOneNoMoreLosesThem) {
    set_max("dvm", "1");
    ASSERT_TRUE(call("preload.begin"));
    ASSERT_TRUE(come_ready("dvm", 1));
    ASSERT_TRUE(call("disp.run", {{"template", "dvm"}}));
    ASSERT_TRUE(come_ready("dvm", 1));
    const json off{{"vm", "dvm"}, {"changes", {{"template_for_dispvms", ""}, {"preload-dispvm-max", ""}}}};
    EXPECT_EQ(refusal("vm.set", off), base::Errc::Busy) << "one is in use";
    EXPECT_TRUE(come_ready("dvm", 1)) << "a refusal costs nothing";
    for (const auto& info : machines_->list()) {
        if (info.state != vm::VmState::Running) continue;
        EXPECT_TRUE(disposables_->end(info.name));
    }
    const auto set = call("vm.set", off);
    ASSERT_TRUE(set) << set.error().message();
    EXPECT_EQ(store_->all().size(), 3U);
    const auto on = call("vm.set", {{"vm", "dvm"}, {"changes", {{"template_for_dispvms", "true"}, {"preload-dispvm-max", "1"}}}});
    ASSERT_TRUE(on) << on.error().message();
    EXPECT_TRUE(come_ready("dvm", 1));
}

TEST_F(PreloadMethods, ATemplateIsRemovedWithThem) {
    set_max("dvm", "2");
    ASSERT_TRUE(call("preload.begin"));
    ASSERT_TRUE(come_ready("dvm", 2));
    const auto removed = call("vm.remove", {{"vm", "dvm"}});
    ASSERT_TRUE(removed) << removed.error().message();
    EXPECT_EQ(store_->all().size(), 2U);
}

TEST_F(PreloadMethods, RefreshMakesNewOnes) {
    set_max("dvm", "1");
    ASSERT_TRUE(call("preload.begin"));
    ASSERT_TRUE(come_ready("dvm", 1));
    const auto before = status_of("dvm")["preloads"][0]["vm"];
    ASSERT_TRUE(call("preload.refresh", {{"template", "dvm"}}));
    ASSERT_TRUE(test_support::eventually([&] { return !store_->find(vm_name(before.get<std::string>())); }));
    // The status may tell of it for a moment longer than it is there.
    EXPECT_TRUE(test_support::eventually([&] {
        const auto preloads = status_of("dvm")["preloads"];
        return preloads.size() == 1 && preloads[0]["vm"] != before && preloads[0]["phase"] == "ready";
    }));
}

}  // namespace
}  // namespace varve::service::tests
