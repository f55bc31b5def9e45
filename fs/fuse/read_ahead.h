// SPDX-License-Identifier: LGPL-2.1-or-later
// How far the kernel reads ahead of whoever reads a file in order.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/units.h"

#include <filesystem>

namespace varve::fuse {

// For the file system mounted there, once its session has begun (FUSE_INIT's reply limits it to the kernel's default of 128 KiB). Needs root.
// Asks the mount nothing, so it may be called while nobody answers requests.
[[nodiscard]] base::Result<> set_read_ahead(const std::filesystem::path& mountpoint, base::Bytes size);

}  // namespace varve::fuse
