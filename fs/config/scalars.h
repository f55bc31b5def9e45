// SPDX-License-Identifier: LGPL-2.1-or-later
// The values that have a notation of their own. All errors are InvalidArgument and say what was expected.
#pragma once

#include "fs/config/config.h"
#include "fs/config/value.h"

namespace varve::config {

// "5%", "2.5%" (0 to 100), "10G" (as base::parse_bytes), or a number of bytes.
[[nodiscard]] base::Result<base::Portion> minimum_free(const Value& value);

// "3600s", "90m", "24h", "7d", or a number of seconds; at most longest_duration.
[[nodiscard]] base::Result<std::chrono::seconds> duration(const Value& value);

// A hundred years, so that a time plus a duration never overflows.
inline constexpr std::chrono::seconds longest_duration = std::chrono::days(36500);

// "0750", or 0o750; permission bits only.
[[nodiscard]] base::Result<mode_t> mode(const Value& value);

// true or false.
[[nodiscard]] base::Result<bool> yes_or_no(const Value& value);

// Absolute, and short enough for a system call (PATH_MAX).
[[nodiscard]] base::Result<std::filesystem::path> absolute_path(const Value& value);

}  // namespace varve::config
