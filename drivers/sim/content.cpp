// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/sim/content.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <string>
#include <vector>

namespace varve::sim {
namespace {

using base::Result;

constexpr auto largest_offset = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());

Result<> write_fully(int file, const char* data, std::size_t size, std::uint64_t offset) {
    while (size > 0) {
        const auto count = ::pwrite(file, data, size, static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return base::fail_errno(errno, "cannot write an image in memory");
        data += count;
        size -= static_cast<std::size_t>(count);
        offset += static_cast<std::uint64_t>(count);
    }
    return {};
}

Result<> copy_data(int from, std::uint64_t from_offset, int to, std::uint64_t to_offset, std::uint64_t length) {
    std::vector<char> buffer(std::min<std::uint64_t>(length, 1 << 20));
    while (length > 0) {
        const auto count = ::pread(from, buffer.data(), std::min<std::uint64_t>(length, buffer.size()), static_cast<off_t>(from_offset));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return base::fail_errno(errno, "cannot read an image in memory");
        if (count == 0) return {};  // truncated meanwhile: what is missing reads as zeroes
        const auto got = static_cast<std::uint64_t>(count);
        TRY(write_fully(to, buffer.data(), got, to_offset));
        from_offset += got;
        to_offset += got;
        length -= got;
    }
    return {};
}

}  // namespace

Result<std::shared_ptr<Content>> Content::make(std::uint64_t number, base::Bytes size) {
    base::UniqueFd fd(::memfd_create("varve-sim", MFD_CLOEXEC));
    if (!fd.valid()) return base::fail_errno(errno, "cannot make an image in memory");
    std::shared_ptr<Content> made(new Content(number, std::move(fd)));
    TRY(made->set_size(size));
    return made;
}

Result<std::shared_ptr<Content>> Content::copy_of(std::uint64_t number, int file) {
    struct stat status {};
    if (::fstat(file, &status) != 0) return base::fail_errno(errno, "cannot look at the image to copy");
    const auto size = static_cast<std::uint64_t>(status.st_size);
    auto made = TRY(make(number, base::Bytes{size}));
    TRY(copy_sparse(file, 0, made->fd(), 0, size));
    return made;
}

Content::Facts Content::facts() const {
    struct stat status {};
    (void)::fstat(fd_.get(), &status);  // cannot fail on an open memfd
    return {base::Bytes{static_cast<std::uint64_t>(status.st_size)}, base::Bytes{static_cast<std::uint64_t>(status.st_blocks) * 512},
            base::Timestamp::from(status.st_mtim)};
}

Result<> Content::set_size(base::Bytes size) {
    if (size.count > largest_offset)
        return base::fail(base::Errc::TooLarge, std::to_string(size.count) + " bytes are more than a file can have");
    if (::ftruncate(fd_.get(), static_cast<off_t>(size.count)) != 0)
        return base::fail_errno(errno, "cannot give an image in memory " + std::to_string(size.count) + " bytes");
    return {};
}

void Content::set_modified(base::Timestamp time) {
    const std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, time.to_timespec()};
    (void)::futimens(fd_.get(), times.data());  // cannot fail on one's own memfd
}

Result<base::UniqueFd> Content::open(int flags) const {
    base::UniqueFd opened(::open(("/proc/self/fd/" + std::to_string(fd_.get())).c_str(), flags | O_CLOEXEC));
    if (!opened.valid()) return base::fail_errno(errno, "cannot open an image in memory");
    return opened;
}

std::filesystem::path Content::path() const { return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd_.get()); }

Result<> copy_sparse(int from, std::uint64_t from_offset, int to, std::uint64_t to_offset, std::uint64_t length) {
    const auto end = from_offset + length;
    for (auto position = from_offset; position < end;) {
        const auto data = ::lseek(from, static_cast<off_t>(position), SEEK_DATA);
        if (data < 0 && errno == ENXIO) return {};  // only a hole is left
        if (data < 0) return base::fail_errno(errno, "cannot find the data of the image to copy");
        const auto start = static_cast<std::uint64_t>(data);
        if (start >= end) return {};
        const auto hole = ::lseek(from, data, SEEK_HOLE);
        if (hole < 0) return base::fail_errno(errno, "cannot find the data of the image to copy");
        const auto stop = std::min(static_cast<std::uint64_t>(hole), end);
        TRY(copy_data(from, start, to, to_offset + (start - from_offset), stop - start));
        position = stop;
    }
    return {};
}

}  // namespace varve::sim
