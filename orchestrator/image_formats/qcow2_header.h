// SPDX-License-Identifier: LGPL-2.1-or-later
// What a qcow2 image says of itself, before any program believes it: docs/interop/qcow2.txt in QEMU's sources.
#pragma once

#include "drivers/base/result.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace varve::image_formats {

// How much of the image check_qcow2_header looks at.
inline constexpr std::size_t qcow2_header_limit = std::size_t{64} << 10;

// Success for an image that is whole in its one file. InvalidArgument for one with a backing file or an external data file, which may be any file
// of this machine; for encrypted and damaged ones, for features this does not know, and for what is no qcow2 image. `beginning` is its first
// qcow2_header_limit bytes, or all; `name` is for messages.
[[nodiscard]] base::Result<> check_qcow2_header(std::string_view beginning, const std::string& name);

}  // namespace varve::image_formats
