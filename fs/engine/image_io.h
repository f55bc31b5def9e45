// SPDX-License-Identifier: LGPL-2.1-or-later
// Whole reads and writes on an image's descriptor.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/units.h"

#include <sys/stat.h>

#include <cstddef>
#include <span>

namespace varve::engine {

// Fewer bytes than asked for only at the end of the image.
[[nodiscard]] base::Result<std::size_t> read_at(int fd, std::span<char> buffer, base::Bytes offset);
// All of it, or an error; how much was written before the error is unknown.
[[nodiscard]] base::Result<> write_at(int fd, std::span<const char> data, base::Bytes offset);
[[nodiscard]] base::Result<> set_size(int fd, base::Bytes size);
// fallocate(2) with its mode.
[[nodiscard]] base::Result<> allocate(int fd, int mode, base::Bytes offset, base::Bytes length);
// lseek(2) with SEEK_DATA or SEEK_HOLE; ENXIO past the last data, as the caller of lseek expects.
[[nodiscard]] base::Result<base::Bytes> seek(int fd, base::Bytes offset, int whence);
[[nodiscard]] base::Result<> sync(int fd, bool data_only);
[[nodiscard]] base::Result<struct stat> status(int fd);
// The modification time; the access time follows it.
[[nodiscard]] base::Result<> set_modified(int fd, timespec time);

}  // namespace varve::engine
