// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs a program: no shell, a fixed locale, everything it says captured, never longer than a deadline.
#pragma once

#include "drivers/base/result.h"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve::kernel {

struct Program {
    std::vector<std::string> arguments;  // arguments[0] is looked up in PATH
    std::string input;                   // what it reads from its standard input
    std::chrono::milliseconds deadline = std::chrono::seconds(60);
    std::optional<std::filesystem::path> directory;                     // its working directory
    std::vector<std::pair<std::string, std::string>> environment = {};  // on top of this process's, with LC_ALL=C
};

struct Finished {
    int exit_status = -1;    // -1 when a signal ended it
    int signal = 0;          // 0 when it exited
    bool timed_out = false;  // the deadline passed, and its process group was killed
    std::string output;      // standard output
    std::string errors;      // standard error

    [[nodiscard]] bool succeeded() const { return exit_status == 0; }
    // For failure messages: how it ended and what it said.
    [[nodiscard]] std::string describe() const;
};

// Waits for the program itself; what its own children write after its end is not captured. An error means that it could not be started.
[[nodiscard]] base::Result<Finished> run_program(const Program& program);
[[nodiscard]] base::Result<Finished> run_program(std::vector<std::string> arguments);

}  // namespace varve::kernel
