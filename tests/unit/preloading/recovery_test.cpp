// SPDX-License-Identifier: LGPL-2.1-or-later
// After a kill -9 at each stage: no used one is handed out, what was in progress goes, what is ready stays.
#include "tests/unit/preloading/world.h"

#include <functional>
#include <string>
#include <vector>

namespace varve::preloading::tests {
namespace {

class PreloadingRecovery : public World {
protected:
    Records kept() const { return Records::open(directory / "preloads").value(); }
    // As an orchestrator left it that was killed.
    void left(const std::string& name, Record::Phase phase, vm::VmState state, const std::string& content = "one") {
        ASSERT_TRUE(makers->make(vm(name), vm("dvm")));
        ASSERT_TRUE(kept().put({vm(name), vm("dvm"), phase, content}));
        machines->become(vm(name), state);
    }

    struct Case {
        const char* what;
        Record::Phase phase;
        vm::VmState state;
        std::string content;
        bool kept;    // in the queue
        bool exists;  // at all
    };
    // `check` begins with no orchestrator, and a name for what one left.
    void for_each(const std::vector<Case>& cases, const std::function<void(const Case& each, const std::string& name)>& check) {
        // Nothing is begun, so that there is only what was left.
        ASSERT_TRUE(store->set(vm("dvm"), {{"preload-dispvm-max", "2"}}));
        int number = 100;
        for (const auto& each : cases) {
            SCOPED_TRACE(each.what);
            const auto name = "disp" + std::to_string(++number);
            preloading.reset();
            check(each, name);
            EXPECT_EQ(preloading->holds(vm(name)), each.kept);
            EXPECT_EQ(exists(name), each.exists);
            if (exists(name)) {
                machines->become(vm(name), vm::VmState::Halted);
                loop->run();
                (void)machines->remove(vm(name));
            }
            ASSERT_TRUE(kept().remove(vm(name)));
        }
    }
};

TEST_F(PreloadingRecovery, ReadyOnesStayAndAreHandedOut) {
    fill("2");
    restart();
    EXPECT_EQ(listed(), "disp1 disp2");
    EXPECT_TRUE(preloading->holds(vm("disp1")));
    EXPECT_TRUE(preloading->status().begun) << "begun once for each start of the machine";
    EXPECT_EQ(handed(), "disp1");
}

TEST_F(PreloadingRecovery, AtEachStage) {
    using Phase = Record::Phase;
    using vm::VmState;
    const std::vector<Case> cases{
        {"defined only", Phase::Creating, VmState::Halted, "one", false, true},  // the sweep's
        {"starting", Phase::Creating, VmState::Running, "one", false, false},
        {"paused, not noted", Phase::Creating, VmState::Paused, "one", false, false},
        {"ready", Phase::Ready, VmState::Paused, "one", true, true},
        {"ready, of another content", Phase::Ready, VmState::Paused, "old", false, false},
        {"ready, and somebody resumed it", Phase::Ready, VmState::Running, "one", false, true},
        {"ready, and it ended", Phase::Ready, VmState::Halted, "one", false, true},  // the sweep's
        {"requested, not resumed", Phase::Requested, VmState::Paused, "one", false, false},
        {"requested and resumed", Phase::Requested, VmState::Running, "one", false, true},
        {"used", Phase::Used, VmState::Running, "one", false, true},
        {"used, and paused again", Phase::Used, VmState::Paused, "one", false, true},
    };
    for_each(cases, [&](const Case& each, const std::string& name) {
        left(name, each.phase, each.state, each.content);
        restart();
        EXPECT_EQ(listed().find(name) != std::string::npos, each.kept);
    });
}

TEST_F(PreloadingRecovery, WhatTheHypervisorTellsLater) {
    using Phase = Record::Phase;
    using vm::VmState;
    const std::vector<Case> cases{
        {"starting", Phase::Creating, VmState::Running, "one", false, false},
        {"ready", Phase::Ready, VmState::Paused, "one", true, true},
        {"ready, of another content", Phase::Ready, VmState::Paused, "old", false, false},
        {"ready, and somebody resumed it", Phase::Ready, VmState::Running, "one", false, true},
        {"ready, and it ended", Phase::Ready, VmState::Halted, "one", false, false},
        {"requested, not resumed", Phase::Requested, VmState::Paused, "one", false, false},
        {"requested and resumed", Phase::Requested, VmState::Running, "one", false, true},
    };
    for_each(cases, [&](const Case& each, const std::string& name) {
        left(name, each.phase, VmState::Unknown, each.content);
        makers->end_fails = base::Errc::Busy;
        restart();
        makers->end_fails.reset();
        EXPECT_TRUE(exists(name));
        EXPECT_TRUE(preloading->holds(vm(name))) << "nobody knows whose it is";
        EXPECT_EQ(listed(), "");
        EXPECT_EQ(handed(), "cold");
        machines->become(vm(name), each.state);
        loop->pass(seconds(2));
        EXPECT_EQ(listed(), each.kept ? name : "");
        EXPECT_EQ(records().size(), each.kept ? 1U : 0U);
        if (exists(name)) {
            EXPECT_EQ(state(name), each.state);
        }
    });
}

TEST_F(PreloadingRecovery, NobodyWaitsForWhatIsNotKnown) {
    fill("1");
    preloading.reset();
    machines->become(vm("disp1"), vm::VmState::Unknown);
    machines->start_fails = true;
    restart();
    bool gone = false;
    preloading->suspend([&] { gone = true; });
    loop->run();
    EXPECT_TRUE(gone);
    machines->become(vm("disp1"), vm::VmState::Paused);
    loop->run();
    EXPECT_FALSE(exists("disp1")) << "the host suspends";
}

TEST_F(PreloadingRecovery, OneWhoseTemplateHasChangedGoes) {
    fill("1");
    preloading.reset();
    ASSERT_TRUE(store->set(vm("dvm"), {{"memory", "2G"}}));
    restart();
    EXPECT_EQ(listed(), "disp2");
    EXPECT_FALSE(exists("disp1"));
}

TEST_F(PreloadingRecovery, OneThatIsTooManyGoes) {
    fill("2");
    preloading.reset();
    ASSERT_TRUE(store->set(vm("dvm"), {{"preload-dispvm-max", "1"}}));
    restart();
    EXPECT_EQ(listed(), "disp1");
    EXPECT_FALSE(exists("disp2"));
}

TEST_F(PreloadingRecovery, AfterARestartAResumeByOthersStillCounts) {
    fill("1");
    restart();
    ASSERT_TRUE(machines->resume(vm("disp1")));
    loop->run();
    EXPECT_EQ(handed(), "cold");
}

TEST_F(PreloadingRecovery, ARecordOfNoVmIsForgotten) {
    ASSERT_TRUE(kept().put({vm("disp9"), vm("dvm"), Record::Phase::Ready, "one"}));
    restart();
    EXPECT_TRUE(records().empty());
}

}  // namespace
}  // namespace varve::preloading::tests
