// SPDX-License-Identifier: LGPL-2.1-or-later
// A snapshot volume is a symbolic link to its source: "../fedora/root.img@current". Pure.
#pragma once

#include "drivers/api/volume_config.h"
#include "drivers/base/names.h"
#include "drivers/base/result.h"

#include <string>
#include <string_view>

namespace varve::paths {

// What a link in `vm`'s directory that points to `target` names: "../VM/VOLUME.img" (or "VOLUME.img" in the same VM), the same with
// "@current", or with "@REVISION", which fixes it. CrossPool when it leads to another pool, InvalidArgument for everything else.
[[nodiscard]] base::Result<api::Source> parse_link_target(std::string_view target, const base::VmName& vm);

// "../fedora/root.img@current", or with the revision that the source is fixed to.
[[nodiscard]] std::string link_target(const api::Source& source);

}  // namespace varve::paths
