// SPDX-License-Identifier: LGPL-2.1-or-later
// Reading what an open state or a private image shows.
#pragma once

#include "drivers/api/private_image.h"
#include "drivers/base/result.h"
#include "drivers/base/units.h"

#include <sys/stat.h>

#include <cstddef>
#include <span>

namespace varve::engine {

// An image to read: the first `size` bytes of a file or block device (which may be larger than the image).
struct Readable {
    int fd = -1;
    base::Bytes size;
};

// Fewer bytes than asked for only at the end of the image.
[[nodiscard]] base::Result<std::size_t> read_at(const Readable& image, std::span<char> buffer, base::Bytes offset);
// lseek(2) with SEEK_DATA or SEEK_HOLE; ENXIO past the last data, as the caller of lseek expects. A block device is all data.
[[nodiscard]] base::Result<base::Bytes> seek(const Readable& image, base::Bytes offset, int whence);

[[nodiscard]] base::Result<Readable> readable(const api::PrivateImage& image);
// Size, blocks and times.
[[nodiscard]] base::Result<struct stat> status(const api::PrivateImage& image);

}  // namespace varve::engine
