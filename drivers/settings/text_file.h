// SPDX-License-Identifier: LGPL-2.1-or-later
// Small text files: configuration, and what is kept beside it.
#pragma once

#include "drivers/base/result.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace varve::settings {

// TooLarge above 1 MiB.
[[nodiscard]] base::Result<std::string> read_text(const std::filesystem::path& path);
// Makes the directory when it is missing. After a crash the file has its old content or the new one, and after success the new one.
[[nodiscard]] base::Result<> write_text(const std::filesystem::path& path, std::string_view text);
// With all above it; one that is there stays as it is.
[[nodiscard]] base::Result<> make_directory(const std::filesystem::path& directory);
// The entries whose names end so, in the order of their names. One that begins with a dot is none of them: such are temporaries.
[[nodiscard]] base::Result<std::vector<std::filesystem::path>> files_in(const std::filesystem::path& directory, std::string_view suffix);
// Durable on success. A file that is not there is NotFound.
[[nodiscard]] base::Result<> remove_file(const std::filesystem::path& path);
// Within one directory; durable on success. Exists when `to` is there.
[[nodiscard]] base::Result<> rename_file(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace varve::settings
