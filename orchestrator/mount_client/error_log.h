// SPDX-License-Identifier: LGPL-2.1-or-later
// Why an operation on a path failed: varvefs notes it in `.varve/errors`.
#pragma once

#include "drivers/base/error.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace varve::mount_client {

struct FailedOperation {
    std::int64_t pid = 0;
    std::string_view operation;   // "rename", "link", ...; empty for any
    int number = 0;               // its errno
    std::int64_t not_before = 0;  // seconds since the epoch: process ids come back
};

// The last line of the log that fits, as an error with its message; nothing when there is none. Broken lines are skipped.
[[nodiscard]] std::optional<base::Error> logged_reason(std::string_view log, const FailedOperation& failed);

}  // namespace varve::mount_client
