// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/image_io.h"

#include "drivers/api/file_io.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace varve::engine {

using base::fail_errno;
using base::Result;

namespace {

Result<bool> is_block_device(int fd) {
    struct stat found {};
    if (::fstat(fd, &found) != 0) return fail_errno(errno, "cannot look at the image");
    return S_ISBLK(found.st_mode);
}

}  // namespace

Result<std::size_t> read_at(const Readable& image, std::span<char> buffer, base::Bytes offset) {
    if (offset >= image.size) return std::size_t{0};
    const auto left = image.size - offset;
    return api::read_at(image.fd, buffer.first(static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), left.count))), offset);
}

Result<base::Bytes> seek(const Readable& image, base::Bytes offset, int whence) {
    constexpr auto none = "no such data or hole";
    if (TRY(is_block_device(image.fd))) {
        if (offset >= image.size) return fail_errno(ENXIO, none);
        return whence == SEEK_DATA ? offset : image.size;
    }
    const auto found = ::lseek(image.fd, static_cast<off_t>(offset.count), whence);
    if (found < 0) return fail_errno(errno, none);
    return base::Bytes{static_cast<std::uint64_t>(found)};
}

Result<Readable> readable(const api::PrivateImage& image) {
    const auto facts = TRY(image.storage().facts());
    return Readable{image.fd(), facts.size};
}

Result<struct stat> status(const api::PrivateImage& image) {
    const auto facts = TRY(image.storage().facts());
    constexpr std::uint64_t stat_block = 512;
    struct stat found {};
    found.st_size = static_cast<off_t>(facts.size.count);
    found.st_blocks = static_cast<blkcnt_t>(facts.allocated.count / stat_block);
    found.st_mtim = facts.modified.to_timespec();
    found.st_ctim = facts.changed.to_timespec();
    return found;
}

}  // namespace varve::engine
