// SPDX-License-Identifier: LGPL-2.1-or-later
// One varve-orchestrator at a time, which can be killed, and another started over what it left.
#pragma once

#include "tests/orchestrator/orchestrator.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace varve::tests {

class RunningOrchestrator : public Orchestrator {
protected:
    void TearDown() override {
        process_.reset();
        Orchestrator::TearDown();
    }

    void start_orchestrator() {
        process_ = start();
        (void)connected();
    }
    void kill_orchestrator() { EXPECT_EQ(process_->end(SIGKILL), -SIGKILL); }
    // Kills it as soon as it tells that, in the middle of the method, of that VM, and `then` holds; it may have gone on by then.
    void kill_at(const std::string& method, const std::string& vm, const std::string& stage, const std::string& what,
                 const std::function<bool()>& then = {}) {
        auto client = connected();
        bool killed = false;
        const auto outcome = client.call(method, {{"vm", vm}}, [&](std::string_view name, const nlohmann::json& told) {
            if (killed || name != "vm.stage" || told["vm"] != vm || told["stage"] != stage || told["what"] != what) return;
            EXPECT_TRUE(!then || eventually(then));
            kill_orchestrator();
            killed = true;
        });
        ASSERT_TRUE(killed) << method << " ended before: " << (outcome ? "well" : outcome.error().message());
    }

    std::unique_ptr<Process> process_;
};

}  // namespace varve::tests
