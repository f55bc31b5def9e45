// SPDX-License-Identifier: LGPL-2.1-or-later
// Files without a name, for images that come from a pipe or go to one and are not read from their beginning to their end.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/unique_fd.h"
#include "orchestrator/mount_client/import_image.h"

#include <string>

namespace varve::image_formats {

// For reading and writing, and only by us; its room is free again when it is closed, also by a crash. NotFound when the directory is missing.
[[nodiscard]] base::Result<base::UniqueFd> open_spool(const std::string& directory);

// Whether it is a pipe, a socket, or a file that is not at its beginning.
[[nodiscard]] base::Result<bool> needs_spool(const mount_client::OpenImage& from);

// Everything that comes from there, in a file in the directory. NoSpace when the directory has no room for it.
[[nodiscard]] base::Result<base::UniqueFd> spool(const mount_client::OpenImage& from, const std::string& directory,
                                                 const mount_client::CopyObserver& observer);

// For want of room in the spool's directory.
[[nodiscard]] base::Failure no_room(const std::string& what, const std::string& directory);

}  // namespace varve::image_formats
