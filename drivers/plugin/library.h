// SPDX-License-Identifier: LGPL-2.1-or-later
// Shared objects of third parties, checked before they are believed.
#pragma once

#include "drivers/api/plugin.h"

#include <filesystem>

namespace varve::plugin {

// The driver in the shared object at this absolute path, which stays loaded until the process ends: states and images of its pools may outlive a
// pool. The file that is checked is the one that is loaded, whatever happens to its name meanwhile.
// InvalidArgument: no absolute path. NotFound, Denied (not root's or this process's user's, writable by others, a symbolic link, no regular file).
// Unsupported: no shared object, no driver, or one for another varvefs.
// Running the object's own initialisers is a part of loading: an owner who may put files there is trusted with that.
[[nodiscard]] base::Result<const api::DriverDescriptor*> load(const std::filesystem::path& file);

// The descriptor is one that this process can use. `file` is for messages.
[[nodiscard]] base::Result<> check_descriptor(const api::DriverDescriptor& descriptor, const std::filesystem::path& file);

}  // namespace varve::plugin
