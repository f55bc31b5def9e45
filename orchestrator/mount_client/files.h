// SPDX-License-Identifier: LGPL-2.1-or-later
// Reading small files and directories below a held directory.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/unique_fd.h"

#include <cstddef>
#include <string>
#include <vector>

namespace varve::mount_client {

inline constexpr std::size_t largest_text = std::size_t{8} << 20;

// Everything from the descriptor's position to its end; TooLarge beyond `limit` bytes.
[[nodiscard]] base::Result<std::string> read_to_end(int fd, std::size_t limit = largest_text);

// The file's text; TooLarge beyond `limit` bytes. The path is relative to `directory`.
[[nodiscard]] base::Result<std::string> read_text(int directory, const std::string& path, std::size_t limit = largest_text);

// The names in a directory but `.` and `..`, sorted by bytes.
[[nodiscard]] base::Result<std::vector<std::string>> list_names(int directory, const std::string& path);

}  // namespace varve::mount_client
