// SPDX-License-Identifier: LGPL-2.1-or-later
// Whole reads and writes on a descriptor of an image.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/units.h"

#include <cstddef>
#include <span>

namespace varve::api {

// Fewer bytes than asked for only at the end of the file.
[[nodiscard]] base::Result<std::size_t> read_at(int fd, std::span<char> buffer, base::Bytes offset);
// All of it, or an error; how much was written before the error is unknown.
[[nodiscard]] base::Result<> write_at(int fd, std::span<const char> data, base::Bytes offset);

}  // namespace varve::api
