// SPDX-License-Identifier: LGPL-2.1-or-later
// varve: the command line.
#include "orchestrator/cli/interrupts.h"
#include "orchestrator/cli/run.h"

#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <system_error>

namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread
    return value == nullptr ? "" : value;
}

std::string working_directory() {
    std::error_code error;
    auto path = std::filesystem::current_path(error);
    return error ? "/" : path.string();  // a removed directory is inside no mount
}

// `varve ls | head -1`: whoever went away wants no message either.
bool reader_is_gone() {
    pollfd output{STDOUT_FILENO, 0, 0};
    return ::poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

}  // namespace

int main(int argc, char** argv) {
    // Nobody reading what was done is no reason to leave the rest undone.
    (void)std::signal(SIGPIPE, SIG_IGN);  // cannot fail for this signal
    try {
        const varve::cli::World world{std::cout,
                                      std::cerr,
                                      ::isatty(STDERR_FILENO) == 1,
                                      variable("VARVE_MOUNT"),
                                      working_directory(),
                                      "/proc/self/mountinfo",
                                      &varve::cli::catch_interrupts,
                                      &varve::cli::interrupted,
                                      STDIN_FILENO,
                                      STDOUT_FILENO,
                                      variable("VARVE_SOCKET"),
                                      variable("VARVE_RUNTIME_DIR"),
                                      variable("TMPDIR")};
        const auto code = varve::cli::run({argv + 1, argv + argc}, world);
        std::cout.flush();
        if (std::cout) return static_cast<int>(code);
        if (!reader_is_gone()) std::cerr << "varve: cannot write to standard output\n";
    } catch (const std::exception& bug) {
        std::cerr << "varve: internal error: " << bug.what() << '\n';
    }
    return static_cast<int>(varve::cli::ExitCode::Failed);
}
