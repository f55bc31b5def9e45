// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/service/disposables.h"

#include "tests/support/waiting.h"
#include "tests/unit/definitions/samples.h"
#include "tests/unit/service/fake_places.h"

#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <set>
#include <thread>

namespace varve::service::tests {
namespace {

using definitions::tests::accepted;
using definitions::tests::vm_name;

class ServiceDisposables : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "varve-disposables-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
        store_ = definitions::DefinitionStore::open(directory_).value();
        machines_ = std::make_unique<FakeMachines>(*store_);
        ASSERT_TRUE(store_->create(accepted("fedora", "class = \"template\"\n")));
        ASSERT_TRUE(store_->create(accepted("dvm",
                                            "class = \"app\"\ntemplate = \"fedora\"\ntemplate_for_dispvms = true\n"
                                            "[[volume]]\nname = \"private\"\npool = \"p\"\n")));
        restart();
    }
    void TearDown() override {
        disposables_.reset();
        std::filesystem::remove_all(directory_);
    }
    void restart() {
        disposables_.reset();
        requesters_ = Requesters::open(directory_ / "requesters", *store_).value();
        disposables_ = std::make_unique<Disposables>(
            *store_, *machines_, places_, disposables::Ids::open(directory_ / "ids", clock_, [](std::uint32_t) { return 7U; }).value(),
            vm_name("dvm"), *requesters_,
            [this](const base::VmName& vm, const base::Error& error) { reported_ = vm.str() + ": " + error.message(); });
    }
    base::Result<vm::StartReport> start() {
        return disposables_->start(vm_name("dvm"), 1000, [](const vm::StageEvent&) {});
    }
    // The removal happens in a thread of its own.
    bool goes(std::string_view vm) const {
        return test_support::eventually([&] { return !store_->find(vm_name(vm)); });
    }

    std::filesystem::path directory_;
    base::SystemClock clock_;
    std::unique_ptr<definitions::DefinitionStore> store_;
    std::unique_ptr<FakeMachines> machines_;
    FakePlaces places_;
    std::string reported_;
    std::unique_ptr<Requesters> requesters_;
    std::unique_ptr<Disposables> disposables_;
};

TEST_F(ServiceDisposables, OneIsMadeAndStarted) {
    const auto report = start();
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_EQ(report->vm.str(), "disp7");
    EXPECT_EQ(places_.created, std::vector<std::string>{"disp7/private from dvm/private"});
    EXPECT_EQ(machines_->info(vm_name("disp7"))->state, vm::VmState::Running);
    EXPECT_EQ(*definitions::template_of(store_->find(vm_name("disp7")).value()), vm_name("dvm"));
}

TEST_F(ServiceDisposables, ItIsRemovedWhenItHasShutDown) {
    ASSERT_TRUE(start());
    ASSERT_TRUE(machines_->kill(vm_name("disp7"), {}));
    EXPECT_TRUE(goes("disp7"));
    EXPECT_EQ(start()->vm.str(), "disp8");
}

TEST_F(ServiceDisposables, ItIsOfWhoAskedForItAlsoAfterARestart) {
    ASSERT_TRUE(start());
    const auto first = store_->find(vm_name("disp7")).value();
    restart();
    EXPECT_TRUE(requesters_->is_requester(1000, first));
    EXPECT_FALSE(requesters_->is_requester(1001, first));
    // Whoever gets the name later is another.
    auto another = first;
    another.uuid = definitions::random_uuid().value();
    EXPECT_FALSE(requesters_->is_requester(1000, another));
    ASSERT_TRUE(machines_->kill(vm_name("disp7"), {}));
    EXPECT_TRUE(goes("disp7"));
    disposables_.reset();
    EXPECT_TRUE(std::filesystem::is_empty(directory_ / "requesters"));
}

TEST_F(ServiceDisposables, WhatIsWrittenOfRequestersIsNotTrusted) {
    ASSERT_TRUE(start());
    const auto vm = store_->find(vm_name("disp7")).value();
    const auto file = directory_ / "requesters" / "disp7.json";
    for (const auto& text :
         {std::string("{"), std::string("[]"), std::string(R"({"uid":1000})"), R"({"uid":"1000","uuid":")" + vm.uuid->str() + R"("})",
          R"({"uid":-1,"uuid":")" + vm.uuid->str() + R"("})", R"({"uid":4294967295,"uuid":")" + vm.uuid->str() + R"("})",
          std::string(R"({"uid":1000,"uuid":"00000000-0000-4000-8000-000000000000"})")}) {
        std::ofstream(file) << text;
        EXPECT_FALSE(Requesters::open(directory_ / "requesters", *store_).value()->is_requester(1000, vm)) << text;
        EXPECT_FALSE(std::filesystem::exists(file)) << text;
    }
    std::ofstream(file) << R"({"uid":1000,"uuid":")" + vm.uuid->str() + R"("})";
    EXPECT_TRUE(Requesters::open(directory_ / "requesters", *store_).value()->is_requester(1000, vm));
}

TEST_F(ServiceDisposables, TheSystemsDefaultMayChange) {
    EXPECT_EQ(disposables_->template_for(disposables::TheDefault{}, std::nullopt)->str(), "dvm");
    disposables_->set_default(std::nullopt);
    EXPECT_EQ(disposables_->template_for(disposables::TheDefault{}, std::nullopt).error().code, base::Errc::NotFound);
}

TEST_F(ServiceDisposables, AlsoWhenItIsStillBusy) {
    ASSERT_TRUE(start());
    machines_->removals_refused = 2;
    ASSERT_TRUE(machines_->kill(vm_name("disp7"), {}));
    EXPECT_TRUE(goes("disp7"));
    EXPECT_EQ(reported_, "");
}

TEST_F(ServiceDisposables, WhatCannotBeRemovedWithoutTheMountIsWhenItComes) {
    ASSERT_TRUE(start());
    machines_->mount_is_there = false;
    ASSERT_TRUE(machines_->kill(vm_name("disp7"), {}));
    // The remover has one thread.
    EXPECT_EQ(disposables_->end(vm_name("disp7")).error().code, base::Errc::Io);
    EXPECT_EQ(reported_, "disp7: cannot be removed: no mount");
    EXPECT_TRUE(store_->find(vm_name("disp7")));
    machines_->mount_is_there = true;
    disposables_->mount_came();
    EXPECT_TRUE(goes("disp7"));
}

TEST_F(ServiceDisposables, AFailureLeavesNothing) {
    machines_->start_fails = true;
    EXPECT_EQ(start().error().message(), "no memory");
    EXPECT_TRUE(goes("disp7"));
    places_.fails = true;
    EXPECT_EQ(start().error().message(), "the pool is full");
    EXPECT_TRUE(goes("disp8"));
}

TEST_F(ServiceDisposables, WhatCannotBeMadeTakesNoName) {
    places_.mount_is_there = false;
    EXPECT_EQ(start().error().message(), "no mount");
    EXPECT_EQ(store_->all().size(), 2U);
    places_.mount_is_there = true;
    EXPECT_EQ(start()->vm.str(), "disp7");
}

TEST_F(ServiceDisposables, WhatAKilledOrchestratorLeftIsSwept) {
    auto named = accepted("named", "class = \"disposable\"\ntemplate = \"dvm\"\n");
    ASSERT_TRUE(store_->create(named));
    ASSERT_TRUE(start());
    ASSERT_TRUE(store_->create(accepted("disp9", "class = \"disposable\"\ntemplate = \"dvm\"\nauto_cleanup = true\n")));
    restart();
    disposables_->sweep();
    EXPECT_TRUE(goes("disp9"));
    EXPECT_TRUE(store_->find(vm_name("named")));
    EXPECT_TRUE(store_->find(vm_name("disp7"))) << "it runs";
}

TEST_F(ServiceDisposables, OnlyOfDisposableTemplates) {
    EXPECT_EQ(disposables_->template_for(disposables::TheDefault{}, {}).value(), vm_name("dvm"));
    EXPECT_EQ(disposables_->template_for(vm_name("fedora"), {}).error().code, base::Errc::InvalidArgument);
    EXPECT_FALSE(disposables_->start(vm_name("fedora"), 1000, {}));
    EXPECT_EQ(store_->all().size(), 2U);
}

TEST_F(ServiceDisposables, WhatTheyStartFromIsKnownByItsState) {
    const auto first = disposables_->look(vm_name("dvm"));
    ASSERT_TRUE(first) << first.error().message();
    EXPECT_EQ(first->content, "p/private: p/dvm/private state 1\n");
    EXPECT_EQ(first->volumes.size(), 1U);
    places_.identities = 2;
    EXPECT_NE(disposables_->look(vm_name("dvm"))->content, first->content);
    EXPECT_FALSE(disposables_->look(vm_name("fedora2")));
}

TEST_F(ServiceDisposables, OneIsEndedInWhateverStateItIs) {
    EXPECT_TRUE(disposables_->end(vm_name("disp3")));
    const auto name = disposables_->reserve_name();
    ASSERT_TRUE(name);
    ASSERT_TRUE(disposables_->make(*name, vm_name("dvm")));
    EXPECT_TRUE(disposables_->end(*name));
    EXPECT_FALSE(store_->find(*name));
    ASSERT_TRUE(start());
    EXPECT_TRUE(disposables_->end(vm_name("disp8")));
    EXPECT_FALSE(store_->find(vm_name("disp8")));
}

}  // namespace
}  // namespace varve::service::tests
