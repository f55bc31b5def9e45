// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs the stages of one operation: times them, tells of them, and names the one that failed.
#pragma once

#include "orchestrator/vm/stage.h"

#include "drivers/base/result.h"

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace varve::vm {

class StageRunner {
public:
    // `doing` begins its errors: "starting work".
    StageRunner(base::VmName vm, std::string doing, const StageListener& listener)
        : vm_(std::move(vm)), doing_(std::move(doing)), listener_(listener) {}

    // `body` returns a Result; a failure becomes "<doing> failed at the stage '<stage>': <why>".
    template <class Body>
    auto run(Stage stage, Body body) -> decltype(body()) {
        tell({vm_, stage, StageEvent::What::Began, {}, {}});
        const auto begin = std::chrono::steady_clock::now();
        auto outcome = body();
        const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
        timings_.push_back({stage, took});
        if (outcome) {
            tell({vm_, stage, StageEvent::What::Done, took, {}});
            return outcome;
        }
        tell({vm_, stage, StageEvent::What::Failed, took, outcome.error().message()});
        return base::Failure(
            base::with_context(std::move(outcome).error(), doing_ + " failed at the stage '" + std::string(name_of(stage)) + "'"));
    }

    void undone(Stage stage, const std::string& remark) const { tell({vm_, stage, StageEvent::What::Undone, {}, remark}); }

    [[nodiscard]] const std::vector<StageTiming>& timings() const { return timings_; }

private:
    void tell(const StageEvent& event) const {
        if (listener_) listener_(event);
    }

    const base::VmName vm_;
    const std::string doing_;
    const StageListener& listener_;
    std::vector<StageTiming> timings_;
};

}  // namespace varve::vm
