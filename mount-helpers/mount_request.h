// SPDX-License-Identifier: LGPL-2.1-or-later
// What mount(8) asks its helper for: `mount.varve SPEC DIR [-sfnv] [-N NAMESPACE] [-o OPTIONS] [-t TYPE]` (mount(8), EXTERNAL HELPERS).
#pragma once

#include "drivers/base/result.h"

#include <span>
#include <string>

namespace varve::mount_helpers {

struct MountRequest {
    std::string config;     // the configuration file; empty: varvefs's own default
    std::string directory;  // where to mount
    bool fake = false;      // -f: all but the mount
    bool verbose = false;   // -v
};

// The arguments behind the program's name. InvalidArgument for what cannot be meant, an unknown option included unless -s says to be sloppy.
[[nodiscard]] base::Result<MountRequest> parse_mount_request(std::span<const std::string> arguments);

}  // namespace varve::mount_helpers
