// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/sparse_copy.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace varve::kernel {
namespace {

using base::fail_errno;
using base::Result;

constexpr std::size_t chunk = std::size_t{1} << 20;

bool cannot_copy_in_kernel(int number) {
    // EPERM, EIO and ETXTBSY were given by kernels before 5.19 for files that read() can read.
    return number == EXDEV || number == EINVAL || number == EOPNOTSUPP || number == ENOSYS || number == EBADF;
}

Result<> write_fully(int to, const char* data, std::size_t count, off_t offset) {
    while (count > 0) {
        const auto written = ::pwrite(to, data, count, offset);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fail_errno(errno, "cannot write the copy");
        data += written;
        offset += written;
        count -= static_cast<std::size_t>(written);
    }
    return {};
}

// Through a buffer, for file systems between which the kernel does not copy.
Result<> copy_by_reading(int from, int to, off_t offset, off_t end) {
    std::vector<char> buffer(chunk);
    while (offset < end) {
        const auto wanted = std::min<std::size_t>(buffer.size(), static_cast<std::size_t>(end - offset));
        const auto count = ::pread(from, buffer.data(), wanted, offset);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail_errno(errno, "cannot read what is to be copied");
        if (count == 0) return {};  // it was truncated meanwhile
        TRY(write_fully(to, buffer.data(), static_cast<std::size_t>(count), offset));
        offset += count;
    }
    return {};
}

Result<> copy_range(int from, int to, off_t offset, off_t end) {
    while (offset < end) {
        off_t in = offset;
        off_t out = offset;
        const auto count = ::copy_file_range(from, &in, to, &out, static_cast<std::size_t>(end - offset), 0);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && !cannot_copy_in_kernel(errno)) return fail_errno(errno, "cannot copy");
        if (count <= 0) return copy_by_reading(from, to, offset, end);
        offset += count;
    }
    return {};
}

bool all_zero(const char* data, std::size_t count) { return data[0] == 0 && std::memcmp(data, data + 1, count - 1) == 0; }

Result<> write_unless_zero(int to, const char* data, std::size_t count, off_t offset) {
    constexpr std::size_t block = 4096;
    for (std::size_t at = 0; at < count; at += block) {
        const auto length = std::min(block, count - at);
        if (!all_zero(data + at, length)) TRY(write_fully(to, data + at, length, offset + static_cast<off_t>(at)));
    }
    return {};
}

Result<> copy_device(int from, int to) {
    const auto size = ::lseek(from, 0, SEEK_END);
    if (size < 0) return fail_errno(errno, "cannot find out how large the device is");
    if (::ftruncate(to, size) != 0) return fail_errno(errno, "cannot set the copy's size");
    std::vector<char> buffer(chunk);
    for (off_t offset = 0; offset < size;) {
        const auto count = ::pread(from, buffer.data(), buffer.size(), offset);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail_errno(errno, "cannot read the device");
        if (count == 0) return fail_errno(EIO, "the device ended early");
        TRY(write_unless_zero(to, buffer.data(), static_cast<std::size_t>(count), offset));
        offset += count;
    }
    return {};
}

}  // namespace

Result<> copy_sparse(int from, int to) {
    struct stat status {};
    if (::fstat(from, &status) != 0) return fail_errno(errno, "cannot look at what is to be copied");
    if (S_ISBLK(status.st_mode)) return copy_device(from, to);
    if (::ftruncate(to, status.st_size) != 0) return fail_errno(errno, "cannot set the copy's size");
    off_t offset = 0;
    while (offset < status.st_size) {
        const auto data = ::lseek(from, offset, SEEK_DATA);
        if (data < 0 && errno == ENXIO) return {};  // only a hole is left
        if (data < 0) return fail_errno(errno, "cannot look for data to copy");
        const auto hole = ::lseek(from, data, SEEK_HOLE);
        if (hole < 0) return fail_errno(errno, "cannot look for holes");
        const auto end = std::min(hole, status.st_size);
        TRY(copy_range(from, to, data, end));
        offset = end;
    }
    return {};
}

}  // namespace varve::kernel
