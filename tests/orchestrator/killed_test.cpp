// SPDX-License-Identifier: LGPL-2.1-or-later
// kill -9 at each stage of a start, of a stop, and of what is kept ready. Guests of libvirt's test driver live in the process and so die with
// it, as with a hypervisor that died; what they could have written by then the test writes itself.
#include "tests/orchestrator/mounted.h"

#include <algorithm>
#include <vector>

namespace varve::tests {
namespace {

using nlohmann::json;

const std::string written = "what the guest wrote";

class KilledAtAStage : public MountedOrchestrator {
protected:
    // With one volume, `data`.
    void define(const std::string& vm, std::vector<std::string> more = {"class=standalone"}) const {
        (void)must({"create", "-p", at(vm + "/data"), "1M"});
        more.insert(more.begin(), {"vm", "create", vm, "memory=1M", "--volume", "data=" + pool_});
        (void)must(std::move(more));
    }
    [[nodiscard]] json info(const std::string& vm) const { return json::parse(must({"--json", "vm", "info", vm})); }
    // The first bytes of the committed state; empty: nothing was ever written.
    [[nodiscard]] std::string committed(const std::string& vm) const {
        std::string text(written.size(), ' ');
        std::ifstream(pool() / vm / "data.img", std::ios::binary).read(text.data(), static_cast<std::streamsize>(text.size()));
        return text == std::string(written.size(), '\0') ? "" : text;
    }
    [[nodiscard]] std::ptrdiff_t revisions(const std::string& vm) const {
        const auto entries = std::filesystem::directory_iterator(pool() / vm);
        return std::count_if(begin(entries), end(entries),
                             [](const auto& entry) { return entry.path().filename().string().starts_with("data.img@"); });
    }
    // As its guest does while the volume is started.
    void guest_writes(const std::string& vm) const {
        const auto device = std::filesystem::read_symlink(pool() / vm / ".varve" / "data" / "device");
        EXPECT_TRUE(std::fstream(device, std::ios::in | std::ios::out | std::ios::binary) << written << std::flush);
    }
    // Of the session that the dead one had noted; empty: none.
    [[nodiscard]] std::string noted(const std::string& vm) const {
        std::ifstream file(directory_ / "run" / "sessions" / (vm + ".json"));
        const auto record = json::parse(file, nullptr, false);
        return record.is_object() ? record.value("phase", "") : "";
    }
    // After a start of the orchestrator: nothing of the session is left but, when its guest may have run, what that wrote.
    void expect_halted(const std::string& vm, const std::string& content) const {
        SCOPED_TRACE(vm);
        EXPECT_TRUE(eventually([&] { return info(vm)["state"] == "halted"; })) << info(vm);
        EXPECT_EQ(info(vm)["trouble"], "");
        EXPECT_EQ(control(vm, "data", "state"), "halted");
        EXPECT_EQ(noted(vm), "");
        EXPECT_EQ(committed(vm), content);
    }
};

TEST_F(KilledAtAStage, OfAStart) {
    struct Row {
        std::string stage;
        std::string what;
        std::string noted;  // what stands in its record by then; a moment later it may be more
    };
    const std::vector<std::string> order{"", "starting", "resuming"};
    const std::vector<Row> table{{"halted", "began", ""},         {"halted", "done", ""},          {"needs", "began", ""},
                                 {"needs", "done", ""},           {"verify", "began", ""},         {"verify", "done", ""},
                                 {"memory", "began", ""},         {"memory", "done", ""},          {"volumes", "began", ""},
                                 {"volumes", "done", "starting"}, {"create", "began", "starting"}, {"create", "done", "starting"},
                                 {"resume", "began", "starting"}, {"resume", "done", "resuming"},  {"readiness", "began", "resuming"}};
    for (const auto& [stage, what, least] : table) {
        const auto vm = stage + "-" + what;
        SCOPED_TRACE(vm);
        // It is never ready, so that the start goes no further.
        define(vm, {"class=standalone", "readiness.signal=serial", "readiness.line=up", "readiness.deadline=1h"});
        ASSERT_NO_FATAL_FAILURE(kill_at("vm.start", vm, stage, what));
        const auto phase = noted(vm);
        EXPECT_GE(std::ranges::find(order, phase), std::ranges::find(order, least)) << phase;
        if (control(vm, "data", "state") == "started") guest_writes(vm);
        start_orchestrator();
        const bool may_have_run = phase == "resuming";
        expect_halted(vm, may_have_run ? written : "");
        EXPECT_EQ(revisions(vm), may_have_run ? 1 : 0);
        // And it is a VM like any other.
        (void)must({"vm", "set", vm, "readiness.signal=none", "readiness.line="});
        (void)must({"vm", "start", vm});
        guest_writes(vm);
        (void)must({"vm", "stop", vm});
        expect_halted(vm, written);
    }
}

TEST_F(KilledAtAStage, OfAStartThatIsDone) {
    define("work");
    ASSERT_NO_FATAL_FAILURE(kill_at("vm.start", "work", "readiness", "done"));
    EXPECT_EQ(noted("work"), "running");
    guest_writes("work");
    start_orchestrator();
    expect_halted("work", written);
    EXPECT_EQ(revisions("work"), 1);
}

TEST_F(KilledAtAStage, OfAStartWhenWhatItNeedsRuns) {
    define("net");
    define("work", {"class=standalone", "needs=net"});
    ASSERT_NO_FATAL_FAILURE(kill_at("vm.start", "work", "needs", "done"));
    EXPECT_EQ(noted("net"), "running");
    guest_writes("net");
    start_orchestrator();
    expect_halted("net", written);
    expect_halted("work", "");
}

TEST_F(KilledAtAStage, OfAStop) {
    for (const std::string stage : {"shutdown", "stop-volumes"})
        for (const std::string what : {"began", "done"}) {
            const auto vm = stage + "-" + what;
            SCOPED_TRACE(vm);
            define(vm);
            (void)must({"vm", "start", vm});
            guest_writes(vm);
            ASSERT_NO_FATAL_FAILURE(kill_at("vm.stop", vm, stage, what));
            start_orchestrator();
            expect_halted(vm, written);
            EXPECT_EQ(revisions(vm), 1) << "it was committed once";
        }
}

// varvefs, not the orchestrator: guests run on without it, and their volumes cannot be stopped while it is away.
class WithoutTheMount : public KilledAtAStage {
protected:
    void SetUp() override {
        KilledAtAStage::SetUp();
        define("work");
        (void)must({"vm", "start", "work"});
        guest_writes("work");
        daemon->kill();
    }
    void TearDown() override {
        if (!daemon->running()) {
            EXPECT_TRUE(daemon->start());
        }
        KilledAtAStage::TearDown();
    }
};

TEST_F(WithoutTheMount, AStopIsFinishedWhenItIsBack) {
    int status = 0;
    const auto said = varve({"vm", "kill", "work"}, &status);
    EXPECT_NE(status, 0) << said;
    EXPECT_NE(said.find("stop-volumes"), std::string::npos) << said;
    EXPECT_EQ(info("work")["state"], "halted");
    EXPECT_NE(info("work")["trouble"], "");
    EXPECT_EQ(noted("work"), "running") << "what it is about is not forgotten";
    ASSERT_TRUE(daemon->start());
    EXPECT_TRUE(eventually([&] { return noted("work").empty(); })) << info("work");
    expect_halted("work", written);
    EXPECT_EQ(revisions("work"), 1);
}

TEST_F(WithoutTheMount, AnOrchestratorThatStartsThenFinishesItLater) {
    kill_orchestrator();
    start_orchestrator();
    EXPECT_EQ(noted("work"), "running");
    ASSERT_TRUE(daemon->start());
    EXPECT_TRUE(eventually([&] { return noted("work").empty(); })) << info("work");
    expect_halted("work", written);
}

class KilledWithPreloads : public KilledAtAStage {
protected:
    void SetUp() override {
        KilledAtAStage::SetUp();
        define("fedora", {"class=template"});
        define("dvm", {"class=app", "template=fedora", "template_for_dispvms=true", "preload-dispvm-max=1", "preload-dispvm-delay=0s"});
    }
    // The one that is in that phase, when there is one.
    [[nodiscard]] std::string preload(const std::string& phase) const {
        std::string found;
        EXPECT_TRUE(eventually([&] {
            const auto status = json::parse(must({"--json", "preload", "status"}));
            for (const auto& each : status["templates"])
                for (const auto& one : each["preloads"])
                    if (one["phase"] == phase) found = one["vm"];
            return !found.empty();
        })) << must({"preload", "status"});
        return found;
    }
    [[nodiscard]] bool gone(const std::string& vm) const {
        return eventually([&] { return !listed().contains(vm) && !directories().contains(vm); });
    }
    void kill_and_start() {
        kill_orchestrator();
        start_orchestrator();
    }
};

TEST_F(KilledWithPreloads, AtEachStage) {
    // In progress: its guest never says that it is ready.
    (void)must({"vm", "set", "dvm", "readiness.signal=serial", "readiness.line=up", "readiness.deadline=1h"});
    (void)must({"preload", "begin"});
    const auto unfinished = preload("creating");
    ASSERT_TRUE(eventually([&] { return noted(unfinished) == "resuming"; }));
    guest_writes(unfinished);
    kill_and_start();
    EXPECT_TRUE(gone(unfinished));
    EXPECT_EQ(committed("dvm"), "");
    (void)must({"vm", "set", "dvm", "readiness.signal=none", "readiness.line="});
    (void)must({"preload", "refresh", "dvm"});

    // Ready: its guest has gone, and so it is no longer; another is.
    const auto ready = preload("ready");
    EXPECT_NE(ready, unfinished);
    kill_and_start();
    EXPECT_TRUE(gone(ready));
    const auto next = preload("ready");
    EXPECT_NE(next, ready);

    // Handed out: nobody else gets it.
    ASSERT_EQ(run(), next);
    guest_writes(next);
    kill_and_start();
    EXPECT_TRUE(gone(next));
    const auto last = preload("ready");
    EXPECT_NE(last, next);
    EXPECT_EQ(run(), last);
    EXPECT_EQ(committed("dvm"), "") << "what a disposable wrote reaches nobody";
}

TEST_F(KilledWithPreloads, ADisposableThatEndsWithoutTheMountGoesWhenItIsBack) {
    const auto name = run();
    daemon->kill();
    int status = 0;
    EXPECT_NE(varve({"vm", "kill", name}, &status), "");
    EXPECT_TRUE(listed().contains(name));
    ASSERT_TRUE(daemon->start());
    EXPECT_TRUE(gone(name));
}

}  // namespace
}  // namespace varve::tests
