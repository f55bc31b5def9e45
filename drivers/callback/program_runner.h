// SPDX-License-Identifier: LGPL-2.1-or-later
// The HookRunner that really runs a program.
#pragma once

#include "drivers/callback/hook_runner.h"

#include <chrono>
#include <filesystem>

namespace varve::callback {

// The program is looked at before each run (trusted_program.h). It gets its arguments as they are, an environment of nothing but PATH, HOME,
// LC_ALL=C and the call's, `/` as its directory, /dev/null as its standard input and no other descriptor than those of its outputs. It leads a
// process group, which gets SIGTERM at its deadline and SIGKILL five seconds later. Children that it leaves behind are not waited for.
class ProgramRunner final : public HookRunner {
public:
    ProgramRunner(std::filesystem::path program, std::vector<std::string> arguments, std::chrono::milliseconds deadline,
                  std::chrono::milliseconds grace = std::chrono::seconds(5))
        : program_(std::move(program)), arguments_(std::move(arguments)), deadline_(deadline), grace_(grace) {}

    [[nodiscard]] base::Result<> check() const override;
    [[nodiscard]] base::Result<kernel::Finished> run(const Call& call) override;

private:
    std::filesystem::path program_;
    std::vector<std::string> arguments_;
    std::chrono::milliseconds deadline_;
    std::chrono::milliseconds grace_;
};

}  // namespace varve::callback
