// SPDX-License-Identifier: LGPL-2.1-or-later
// The port to the program that is run around steps.
#pragma once

#include "drivers/base/result.h"
#include "drivers/kernel/program.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace varve::callback {

struct Call {
    std::vector<std::string> arguments;  // what comes after the configured ones
    std::vector<std::pair<std::string, std::string>> environment;
};

// Thread-safe: steps of different volumes happen at the same time.
class HookRunner {
public:
    HookRunner() = default;
    virtual ~HookRunner() = default;
    HookRunner(const HookRunner&) = delete;
    HookRunner& operator=(const HookRunner&) = delete;

    // Whether the program could be run now.
    [[nodiscard]] virtual base::Result<> check() const = 0;
    // Runs it to its end, or to its deadline. An error means that it was not run.
    [[nodiscard]] virtual base::Result<kernel::Finished> run(const Call& call) = 0;
};

}  // namespace varve::callback
