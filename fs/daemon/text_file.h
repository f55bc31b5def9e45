// SPDX-License-Identifier: LGPL-2.1-or-later
// Small text files: configuration, and what is kept of pools.
#pragma once

#include "drivers/base/result.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace varve::daemon {

// TooLarge above 1 MiB.
[[nodiscard]] base::Result<std::string> read_text(const std::filesystem::path& path);
// Makes the directory when it is missing. After a crash the file has its old content or the new one, and after success the new one.
[[nodiscard]] base::Result<> write_text(const std::filesystem::path& path, std::string_view text);

}  // namespace varve::daemon
