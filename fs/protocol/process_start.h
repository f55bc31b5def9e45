// SPDX-License-Identifier: LGPL-2.1-or-later
// Which process a number stands for: numbers are given again, but not with the same start.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>

namespace varve::protocol {

struct ProcessStart {
    std::uint64_t ticks = 0;  // of the kernel, since the boot
    bool dead = false;        // a zombie: it only waits for its parent
};

// From a line of /proc/PID/stat (proc(5)); nullopt when it is none. The program's name in it may hold anything.
[[nodiscard]] std::optional<ProcessStart> parse_process_start(std::string_view stat);

// nullopt when there is no such process, or /proc does not show it (hidepid).
[[nodiscard]] std::optional<ProcessStart> process_start(pid_t process);

}  // namespace varve::protocol
