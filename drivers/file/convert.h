// SPDX-License-Identifier: LGPL-2.1-or-later
// From a pool of the driver `file` to one of `file-reflink`: images stay what they are, and nothing may stand on a COW file any more.
#pragma once

#include "drivers/file/file.h"

namespace varve::file {

// What is kept in COW files becomes images, and COW files go. All volumes have to be halted and clean: Busy names the first one that is not,
// and Corrupt a VM that cannot be read; then nothing was changed.
// The caller owns the pool's storage, and nobody else has it open. May be repeated. At any moment, also after a crash, and even when it has
// ended, the directory is a pool of the driver file with the same states.
[[nodiscard]] base::Result<> convert_to_images(const Settings& settings, const Kernel& kernel, api::StateIds& state_ids,
                                               const base::Clock& clock, spdlog::logger& log, const kernel::BootId& boot_id);

// Corrupt, naming the file, when something is kept in COW files or in an unfinished session of the driver file: another driver would not see it,
// and take what a session wrote for committed. COW files that hold nothing, as Qubes leaves them, do not count.
[[nodiscard]] base::Result<> check_images_alone(const kernel::FileSystem& files, const std::string& dir_path);

}  // namespace varve::file
