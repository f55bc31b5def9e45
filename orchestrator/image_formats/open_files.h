// SPDX-License-Identifier: LGPL-2.1-or-later
// Which files a program may open, whatever it is told to: Landlock (Documentation/userspace-api/landlock.rst; Linux 5.13).
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/unique_fd.h"

#include <filesystem>
#include <span>

namespace varve::image_formats {

struct HandedFile {
    int fd = -1;
    bool writable = false;
};

// A ruleset for landlock_restrict_self: these files, and for reading what programs and their libraries are made of, and the program's directory.
// An invalid descriptor where the kernel has no Landlock.
[[nodiscard]] base::Result<base::UniqueFd> only_these_files(std::span<const HandedFile> files, const std::filesystem::path& program);

// Binds this process from here on. Async-signal-safe; 0 or the errno.
[[nodiscard]] int bind_to(int ruleset);

}  // namespace varve::image_formats
