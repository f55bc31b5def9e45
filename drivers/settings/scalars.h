// SPDX-License-Identifier: LGPL-2.1-or-later
// The values that have a notation of their own. All errors are InvalidArgument and say what was expected.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/units.h"
#include "drivers/settings/value.h"

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>

namespace varve::settings {

// "5%", "2.5%" (0 to 100), "10G" (as base::parse_bytes), or a number of bytes.
[[nodiscard]] base::Result<base::Portion> minimum_free(const Value& value);

// "3600s", "90m", "24h", "7d", or a number of seconds; at most longest_duration.
[[nodiscard]] base::Result<std::chrono::seconds> duration(const Value& value);

// The same, or "500ms".
[[nodiscard]] base::Result<std::chrono::milliseconds> precise_duration(const Value& value);
// As precise_duration() reads it: "500ms", "3s".
[[nodiscard]] std::string duration_text(std::chrono::milliseconds duration);

// A hundred years, so that a time plus a duration never overflows.
inline constexpr std::chrono::seconds longest_duration = std::chrono::days(36500);

// "10G" (as base::parse_bytes), or a number of bytes.
[[nodiscard]] base::Result<base::Bytes> amount(const Value& value);
// As amount() reads it: "512M", "1000".
[[nodiscard]] std::string amount_text(base::Bytes bytes);

// "0750", or 0o750; permission bits only.
[[nodiscard]] base::Result<mode_t> mode(const Value& value);

// true or false.
[[nodiscard]] base::Result<bool> yes_or_no(const Value& value);

// Absolute, and short enough for a system call (PATH_MAX).
[[nodiscard]] base::Result<std::filesystem::path> absolute_path(const Value& value);

}  // namespace varve::settings
