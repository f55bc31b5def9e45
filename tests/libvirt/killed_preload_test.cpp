// SPDX-License-Identifier: LGPL-2.1-or-later
// kill -9 of the orchestrator while real guests are kept ready: what is ready stays, nothing that somebody has is handed out again.
#include "tests/libvirt/daemon_host.h"

#include <set>

namespace varve::libvirt_test {
namespace {

using hypervisor::DomainState;
using nlohmann::json;

class KilledWithPreloads : public DaemonTest {
protected:
    void SetUp() override {
        DaemonTest::SetUp();
        define("tpl", "deaf", "class = \"template\"\n");
        define("dvm", "deaf", "class = \"app\"\ntemplate = \"tpl\"\ntemplate_for_dispvms = true\npreload-dispvm-max = 1\n");
        (void)must("preload.begin", json::object());
    }

    // As "disp12 ready"; empty: none.
    [[nodiscard]] std::string preloads() {
        const auto status = must("preload.status", json::object());
        std::string text;
        for (const auto& each : status["templates"])
            for (const auto& one : each["preloads"])
                text += (text.empty() ? "" : ", ") + one["vm"].get<std::string>() + " " + one["phase"].get<std::string>();
        return text;
    }
    // The name of the one that comes to be.
    [[nodiscard]] std::string comes_to_be(const std::string& phase) {
        std::string found;
        EXPECT_TRUE(eventually(
            [&] {
                found = preloads();
                return found.ends_with(" " + phase);
            },
            guest_patience));
        return found.substr(0, found.find(' '));
    }
    [[nodiscard]] std::string run() { return must("disp.run", {{"template", "dvm"}})["vm"].get<std::string>(); }
    void kill_and_start() {
        kill_orchestrator();
        start_orchestrator();
    }
    [[nodiscard]] bool has_volume(const std::string& vm) const { return std::filesystem::exists(mountpoint() / "pools" / pool_ / vm); }
    // All guests of the host.
    [[nodiscard]] static std::set<std::string> guests() {
        const auto domains = host.hypervisor->domains().value();
        std::set<std::string> names;
        for (const auto& each : domains) names.insert(each.name);
        return names;
    }
};

TEST_F(KilledWithPreloads, AtEachStage) {
    // In progress, as libvirt makes its domain: it goes, and another is made.
    const auto unfinished = comes_to_be("creating");
    ASSERT_TRUE(eventually([&] { return domain(unfinished).has_value(); }));
    kill_and_start();
    const auto ready = comes_to_be("ready");
    EXPECT_NE(ready, unfinished);
    EXPECT_TRUE(eventually([&] { return guests() == std::set{ready} && !has_volume(unfinished); }));

    // Paused: it stays, and is what a request gets.
    kill_and_start();
    EXPECT_EQ(preloads(), ready + " ready");
    EXPECT_EQ(domain(ready).value().state, DomainState::Paused);
    const auto before = domain(ready).value();
    ASSERT_EQ(run(), ready);

    // Handed out: it is somebody's, whoever starts the orchestrator again.
    kill_and_start();
    ASSERT_TRUE(domain(ready));
    EXPECT_EQ(domain(ready)->state, DomainState::Running);
    EXPECT_EQ(domain(ready)->number, before.number) << "the same QEMU";
    EXPECT_EQ(preloads().find(ready), std::string::npos);
    EXPECT_EQ(state(ready), "running");
    const auto next = comes_to_be("ready");
    EXPECT_NE(next, ready);
    EXPECT_EQ(run(), next) << "nobody gets another's";
    EXPECT_EQ(state(ready), "running");

    // What was handed out goes when it ends, also when nobody looks.
    (void)comes_to_be("ready");
    kill_orchestrator();
    ASSERT_TRUE(host.hypervisor->destroy(domain(ready).value().uuid));
    start_orchestrator();
    EXPECT_TRUE(eventually([&] { return !has_volume(ready); }));
    EXPECT_EQ(committed("dvm"), "");
}

// Somebody resumed it while there was no orchestrator: whoever that was uses it.
TEST_F(KilledWithPreloads, AndResumedByOthers) {
    const auto ready = comes_to_be("ready");
    kill_orchestrator();
    ASSERT_TRUE(host.hypervisor->resume(domain(ready).value().uuid));
    start_orchestrator();
    EXPECT_EQ(preloads().find(ready), std::string::npos);
    EXPECT_NE(run(), ready);
    EXPECT_EQ(state(ready), "running");
}

}  // namespace
}  // namespace varve::libvirt_test
