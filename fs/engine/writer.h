// SPDX-License-Identifier: LGPL-2.1-or-later
// The process behind a request.
#pragma once

#include <sys/types.h>

namespace varve::engine {

// 0 where it is unknown: the process lives in a pid namespace that is no child of the daemon's, or the kernel writes for it.
struct Writer {
    pid_t thread = 0;
    pid_t process = 0;
};

// Asked about processes; the real one reads /proc.
class Processes {
public:
    virtual ~Processes() = default;
    // The process that a thread belongs to; the thread itself when that cannot be found out.
    [[nodiscard]] virtual pid_t process_of(pid_t thread) const = 0;
    // Whether the thread's process is being ended by a signal right now (asked while the kernel closes its files).
    [[nodiscard]] virtual bool killed(pid_t thread) const = 0;
};

class ProcProcesses final : public Processes {
public:
    [[nodiscard]] pid_t process_of(pid_t thread) const override;
    [[nodiscard]] bool killed(pid_t thread) const override;
};

}  // namespace varve::engine
