// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs a program that reads what strangers made: no shell, a fixed locale, bounds on what it takes; it opens no files but those it is handed
// (open_files.h), and has nothing to do with anybody else (call_filter.h), as far as the kernel can see to that.
#pragma once

#include "drivers/base/result.h"
#include "orchestrator/image_formats/open_files.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varve::image_formats {

// How the program reaches the handed file of this index.
[[nodiscard]] std::string handed_path(std::size_t index);

struct ConfinedProgram {
    std::vector<std::string> arguments = {};  // arguments[0] is looked up in PATH
    std::vector<HandedFile> files = {};
    std::uint64_t memory_limit = 0;                            // RLIMIT_AS, bytes
    std::optional<std::chrono::seconds> processor_limit = {};  // RLIMIT_CPU
    std::optional<std::chrono::milliseconds> deadline = {};    // it is killed then
    std::function<void(std::string_view)> heard = {};          // what it says on standard output, as it comes
    std::function<bool()> interrupted = {};                    // it is killed as soon as this says so; may be empty
};

struct ConfinedEnd {
    int exit_status = -1;  // -1 when a signal ended it
    int signal = 0;
    bool timed_out = false;
    bool interrupted = false;
    std::string output;  // the first megabyte of each
    std::string errors;
};

// It dies with this process, and with this thread. NotFound when there is no such program. For processes of one thread.
[[nodiscard]] base::Result<ConfinedEnd> run_confined(const ConfinedProgram& program);

}  // namespace varve::image_formats
