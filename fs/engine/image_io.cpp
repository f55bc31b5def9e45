// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/image_io.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace varve::engine {

using base::fail_errno;
using base::Result;

Result<std::size_t> read_at(int fd, std::span<char> buffer, base::Bytes offset) {
    std::size_t done = 0;
    while (done < buffer.size()) {
        const auto count = ::pread(fd, buffer.data() + done, buffer.size() - done, static_cast<off_t>(offset.count + done));
        if (count < 0) {
            if (errno == EINTR) continue;
            return fail_errno(errno, "cannot read the image");
        }
        if (count == 0) break;
        done += static_cast<std::size_t>(count);
    }
    return done;
}

Result<> write_at(int fd, std::span<const char> data, base::Bytes offset) {
    std::size_t done = 0;
    while (done < data.size()) {
        const auto count = ::pwrite(fd, data.data() + done, data.size() - done, static_cast<off_t>(offset.count + done));
        if (count < 0) {
            if (errno == EINTR) continue;
            return fail_errno(errno, "cannot write the image");
        }
        done += static_cast<std::size_t>(count);
    }
    return {};
}

Result<> set_size(int fd, base::Bytes size) {
    if (size.count > static_cast<std::uint64_t>(INT64_MAX)) return base::fail(base::Errc::TooLarge, "the size does not fit a file");
    if (::ftruncate(fd, static_cast<off_t>(size.count)) != 0)
        return fail_errno(errno, "cannot set the size to " + std::to_string(size.count) + " bytes");
    return {};
}

Result<> allocate(int fd, int mode, base::Bytes offset, base::Bytes length) {
    if (::fallocate(fd, mode, static_cast<off_t>(offset.count), static_cast<off_t>(length.count)) != 0)
        return fail_errno(errno, "cannot allocate or punch the range");
    return {};
}

Result<base::Bytes> seek(int fd, base::Bytes offset, int whence) {
    const auto found = ::lseek(fd, static_cast<off_t>(offset.count), whence);
    if (found < 0) return fail_errno(errno, "no such data or hole");
    return base::Bytes{static_cast<std::uint64_t>(found)};
}

Result<> sync(int fd, bool data_only) {
    if ((data_only ? ::fdatasync(fd) : ::fsync(fd)) != 0) return fail_errno(errno, "cannot make the image durable");
    return {};
}

Result<struct stat> status(int fd) {
    struct stat found {};
    if (::fstat(fd, &found) != 0) return fail_errno(errno, "cannot look at the image");
    return found;
}

Result<> set_modified(int fd, timespec time) {
    const std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, time};
    if (::futimens(fd, times.data()) != 0) return fail_errno(errno, "cannot set the time");
    return {};
}

}  // namespace varve::engine
