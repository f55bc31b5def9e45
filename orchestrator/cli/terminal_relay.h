// SPDX-License-Identifier: LGPL-2.1-or-later
// The terminal of a user, connected to another one.
#pragma once

#include "drivers/base/result.h"

namespace varve::cli {

// Copies both ways until Ctrl-] is typed, the input ends or the other side hangs up. A terminal at `input` is raw meanwhile, and is set back.
[[nodiscard]] base::Result<> relay_terminal(int console, int input, int output);

}  // namespace varve::cli
