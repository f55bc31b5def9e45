// SPDX-License-Identifier: LGPL-2.1-or-later
// The formats of images outside the mount.
#pragma once

#include "drivers/base/result.h"

#include <string>
#include <string_view>

namespace varve::image_formats {

// Besides raw those that are one file in QEMU's reading of them, or can be checked to be: a vmdk names the files it is made of.
enum class Format { Raw, Qcow2, Vdi, Vhdx, Vpc };

// What QEMU calls it.
[[nodiscard]] std::string_view name_of(Format format);
// InvalidArgument, with the names there are.
[[nodiscard]] base::Result<Format> parse_format(std::string_view text);

}  // namespace varve::image_formats
