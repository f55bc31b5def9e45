// SPDX-License-Identifier: LGPL-2.1-or-later
// Where the pools of file drivers are under test.
#pragma once

#include "drivers/base/result.h"
#include "tests/support/loop_filesystem.h"

#include <filesystem>
#include <optional>
#include <string>

namespace varve::contract {

// A new directory on a file system of that type, which is mounted when first used, once in a process.
[[nodiscard]] base::Result<std::filesystem::path> new_pool_directory(test_support::FileSystemType type);
// The VM's directory in that pool.
[[nodiscard]] std::optional<std::filesystem::path> directory_of_vm(const std::filesystem::path& pool, const std::string& vm);

}  // namespace varve::contract
