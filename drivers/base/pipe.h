// SPDX-License-Identifier: LGPL-2.1-or-later
// A pipe to or from another process.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/unique_fd.h"

namespace varve::base {

struct Pipe {
    UniqueFd read;
    UniqueFd write;
};

// What a read() does that finds nothing.
enum class EmptyPipe { Waits, Fails };

// No exec(3) hands its ends on.
[[nodiscard]] Result<Pipe> make_pipe(EmptyPipe empty);

}  // namespace varve::base
