// SPDX-License-Identifier: LGPL-2.1-or-later
// A program that is run around steps, in memory.
#pragma once

#include "drivers/callback/hook_runner.h"

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace varve::fakes {

// What was asked of it, and what it answers; outlives the pool. By default every run ends well. Thread-safe.
class HookHistory {
public:
    using Answer = std::function<base::Result<kernel::Finished>(const callback::Call&)>;

    void answer(Answer answer) {
        const std::lock_guard lock(mutex_);
        answer_ = std::move(answer);
    }
    [[nodiscard]] base::Result<kernel::Finished> ran(const callback::Call& call) {
        const std::lock_guard lock(mutex_);
        calls_.push_back(call);
        return answer_(call);
    }
    // Since the last look.
    [[nodiscard]] std::vector<callback::Call> take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(calls_, {});
    }
    // "before start fast work root".
    [[nodiscard]] static std::string text_of(const callback::Call& call) {
        std::string text;
        for (const auto& argument : call.arguments) text.append(text.empty() ? "" : " ").append(argument);
        return text;
    }
    // The value of a variable, "(unset)" without one.
    [[nodiscard]] static std::string value(const callback::Call& call, const std::string& variable) {
        for (const auto& [name, value] : call.environment)
            if (name == variable) return value;
        return "(unset)";
    }
    [[nodiscard]] static kernel::Finished exited(int status, std::string errors = {}) {
        kernel::Finished finished;
        finished.exit_status = status;
        finished.errors = std::move(errors);
        return finished;
    }

private:
    std::mutex mutex_;
    Answer answer_ = [](const callback::Call&) -> base::Result<kernel::Finished> { return exited(0); };
    std::vector<callback::Call> calls_;
};

class FakeHookRunner final : public callback::HookRunner {
public:
    explicit FakeHookRunner(HookHistory& history) : history_(history) {}
    [[nodiscard]] base::Result<> check() const override { return {}; }
    [[nodiscard]] base::Result<kernel::Finished> run(const callback::Call& call) override { return history_.ran(call); }

private:
    HookHistory& history_;
};

}  // namespace varve::fakes
