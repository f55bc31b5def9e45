// SPDX-License-Identifier: LGPL-2.1-or-later
// What subscribers hear of disposables that were kept ready.
#include "orchestrator/service/vm_events.h"

#include "tests/unit/preloading/world.h"

namespace varve::service::tests {
namespace {

using preloading::tests::vm;

class VmEventsTest : public preloading::tests::World {
protected:
    VmEventsTest() {
        subscription_ = machines->subscribe([this](const vm::VmEvent& event) { events_.heard(event); });
        preloading->on_release([this](const base::VmName& name) { events_.released(name); });
    }

    std::vector<std::string> told_;
    VmEvents events_{*store, [this](const base::VmName& name) { return preloading->keeps(name); },
                     [this](const vm::VmEvent& event) { told_.push_back(event.vm.str() + " " + std::string(vm::name_of(event.state))); }};
    std::unique_ptr<vm::VmSubscription> subscription_;
};

using Told = std::vector<std::string>;

TEST_F(VmEventsTest, OneWhosePauseIsSkippedIsTold) {
    const auto answer = request_while_one_is_made();
    EXPECT_EQ(told_, Told{});
    loop->release();
    loop->run();
    ASSERT_EQ(*answer, "disp1");
    EXPECT_EQ(told_, Told{"disp1 running"});
}

TEST_F(VmEventsTest, OneThatIsHandedOutIsToldOnce) {
    fill("1");
    EXPECT_EQ(told_, Told{}) << "it is nobody's yet";
    ASSERT_EQ(handed(), "disp1");
    EXPECT_EQ(told_, Told{"disp1 running"});
    ASSERT_TRUE(machines->pause(vm("disp1")));
    EXPECT_EQ(told_, (Told{"disp1 running", "disp1 paused"}));
}

TEST_F(VmEventsTest, OneThatSomebodyResumesIsToldOnce) {
    fill("1");
    ASSERT_TRUE(machines->resume(vm("disp1")));
    EXPECT_EQ(told_, Told{}) << "the queue has not heard of it yet";
    loop->run();
    EXPECT_EQ(told_, Told{"disp1 running"});
}

TEST_F(VmEventsTest, OneThatNobodyGetsIsNeverTold) {
    fill("1");
    machines->resume_fails = true;
    ASSERT_EQ(handed(), "cold");
    set("dvm", "preload-dispvm-max", "0");
    loop->pass(std::chrono::seconds(10));
    ASSERT_FALSE(exists("disp1"));
    EXPECT_EQ(told_, Told{});
}

TEST_F(VmEventsTest, WhatIsHeardLateComesAfterIt) {
    bool kept = true;
    Told told;
    VmEvents events(
        *store, [&](const base::VmName&) { return kept; }, [&](const vm::VmEvent& event) { told.emplace_back(vm::name_of(event.state)); });
    events.heard({vm("dvm"), vm::VmState::Starting, ""});
    events.heard({vm("dvm"), vm::VmState::Running, ""});
    kept = false;
    events.released(vm("dvm"));
    events.released(vm("dvm"));
    events.heard({vm("dvm"), vm::VmState::Paused, ""});
    EXPECT_EQ(told, (Told{"running", "paused"}));
    // Heard before the release was.
    kept = true;
    events.heard({vm("dvm"), vm::VmState::Running, ""});
    kept = false;
    events.heard({vm("dvm"), vm::VmState::Halted, ""});
    events.released(vm("dvm"));
    EXPECT_EQ(told, (Told{"running", "paused", "halted"}));
}

}  // namespace
}  // namespace varve::service::tests
