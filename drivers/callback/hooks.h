// SPDX-License-Identifier: LGPL-2.1-or-later
// What is told to the program around a step, and what its answer means.
#pragma once

#include "drivers/api/view.h"
#include "drivers/callback/callback.h"
#include "drivers/callback/steps.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve::callback {

// The volume of a step, and what of it the program gets as VARVE_KIND and so on.
struct Subject {
    base::VolumePath volume;
    std::vector<std::pair<std::string, std::string>> facts;  // without VARVE_
};

// As thread-safe as its runner.
class Hooks {
public:
    Hooks(const Settings& settings, std::unique_ptr<HookRunner> runner, spdlog::logger& log)
        : settings_(settings), runner_(std::move(runner)), log_(log) {}

    [[nodiscard]] bool wanted(When when, Step step) const { return settings_.moments.contains({when, step}); }
    [[nodiscard]] base::Result<> check() const { return runner_->check(); }
    // An error forbids the step: Denied when the program said so, TimedOut at its deadline, Io when it was killed or could not be run.
    [[nodiscard]] base::Result<> before(Step step, const std::optional<Subject>& subject) const;
    // The step has happened, and stays so: a failure is logged.
    void after(Step step, const std::optional<Subject>& subject) const;
    [[nodiscard]] const Settings& settings() const { return settings_; }

private:
    [[nodiscard]] base::Result<> run(const Moment& moment, const std::optional<Subject>& subject) const;
    [[nodiscard]] Call call_of(const Moment& moment, const std::optional<Subject>& subject) const;

    Settings settings_;
    std::unique_ptr<HookRunner> runner_;
    spdlog::logger& log_;
};

}  // namespace varve::callback
