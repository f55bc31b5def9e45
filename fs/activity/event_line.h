// SPDX-License-Identifier: LGPL-2.1-or-later
// Operations as JSON, one a line (docs/control-tree.md).
#pragma once

#include "fs/engine/operations.h"

#include <chrono>
#include <cstdint>
#include <string>

namespace varve::activity {

// A line of `events`, with its newline.
[[nodiscard]] std::string event_line(const engine::Operation& operation, const engine::Outcome& outcome);
// Instead of so many lines that a reader of `events` was too slow for.
[[nodiscard]] std::string missed_line(std::uint64_t count);
// A line of `operations`: one that runs, for so long.
[[nodiscard]] std::string running_line(const engine::Operation& operation, std::chrono::nanoseconds for_so_long);

}  // namespace varve::activity
