// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs a program: no shell, a fixed locale, everything it says captured, never longer than a deadline.
#pragma once

#include "drivers/base/result.h"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve::kernel {

struct Program {
    std::vector<std::string> arguments = {};  // arguments[0] is looked up in PATH
    std::string input = {};                   // what it reads from its standard input, a file
    std::chrono::milliseconds deadline = std::chrono::seconds(60);
    // How long its process group may take to end after a SIGTERM at the deadline, before SIGKILL; 0: SIGKILL at once.
    std::chrono::milliseconds grace = std::chrono::milliseconds(0);
    std::optional<std::filesystem::path> directory = {};                // its working directory
    std::vector<std::pair<std::string, std::string>> environment = {};  // on top of this process's, with LC_ALL=C
    // false: of this process's environment and descriptors it gets none but those named here, and without input /dev/null.
    bool inherits = true;
    // How much of each output is kept: its last bytes.
    std::size_t output_limit = std::numeric_limits<std::size_t>::max();
};

struct Finished {
    int exit_status = -1;    // -1 when a signal ended it
    int signal = 0;          // 0 when it exited
    bool timed_out = false;  // the deadline passed, and its process group was ended
    std::string output;      // standard output
    std::string errors;      // standard error

    [[nodiscard]] bool succeeded() const { return exit_status == 0; }
    // For failure messages: how it ended and what it said.
    [[nodiscard]] std::string describe() const;
};

// Waits for the program itself, not for children that it leaves behind: what they write after its end is not captured. At the deadline they end with
// it. An error means that it could not be started.
[[nodiscard]] base::Result<Finished> run_program(const Program& program);
[[nodiscard]] base::Result<Finished> run_program(std::vector<std::string> arguments);

}  // namespace varve::kernel
