// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/sparse_copy.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
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

}  // namespace

Result<> copy_sparse(int from, int to) {
    struct stat status {};
    if (::fstat(from, &status) != 0) return fail_errno(errno, "cannot look at what is to be copied");
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
