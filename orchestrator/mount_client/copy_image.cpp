// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/copy_image.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace varve::mount_client {
namespace {

using Done = tl::expected<void, CopyFailure>;

// Large enough to make a clone of a big image few calls, a multiple of every block size.
constexpr std::uint64_t clone_piece = std::uint64_t{1} << 30;
constexpr std::size_t copy_piece = std::size_t{1} << 20;

tl::unexpected<CopyFailure> failed(const char* operation, int number) { return tl::unexpected(CopyFailure{operation, number}); }

// Tells and asks the observer.
Done report(const CopyObserver& observer, std::uint64_t done, std::uint64_t whole) {
    if (observer.progress) observer.progress({done}, {whole});
    if (observer.interrupted && observer.interrupted()) return failed("", EINTR);
    return {};
}

bool cannot_clone(int number) { return number == EXDEV || number == EOPNOTSUPP || number == ENOSYS || number == EINVAL; }

// Where the next data are at or behind `at`; `at` itself where holes are unknown.
std::uint64_t next_data(int from, std::uint64_t at, std::uint64_t size) {
    const auto data = ::lseek(from, static_cast<off_t>(at), SEEK_DATA);
    if (data >= 0) return std::min(static_cast<std::uint64_t>(data), size);
    return errno == ENXIO ? size : at;
}

// How far it came without an error that another method could not get around. A long hole is passed over, not cloned piece by piece.
tl::expected<std::uint64_t, CopyFailure> clone(int from, int to, std::uint64_t size, const CopyObserver& observer) {
    std::uint64_t done = 0;
    while ((done = next_data(from, done, size)) < size) {
        auto in = static_cast<off_t>(done);
        auto out = in;
        const auto count = ::copy_file_range(from, &in, to, &out, std::min(size - done, clone_piece), 0);
        if (count < 0 && cannot_clone(errno)) return done;
        if (count < 0) return failed("copy_file_range", errno);
        if (count == 0) return done;  // some file systems say so of what they cannot do
        done += static_cast<std::uint64_t>(count);
        if (const auto told = report(observer, done, size); !told) return tl::unexpected(told.error());
    }
    return done;
}

Done write_all(int to, const char* data, std::size_t count, off_t at) {
    while (count > 0) {
        const auto written = ::pwrite(to, data, count, at);
        if (written < 0) return failed("write", errno);
        data += written;
        count -= static_cast<std::size_t>(written);
        at += written;
    }
    return {};
}

// Copies [first, last), which holds data.
Done copy_extent(int from, int to, off_t first, off_t last, std::uint64_t whole, const CopyObserver& observer) {
    std::vector<char> buffer(copy_piece);
    while (first < last) {
        const auto wanted = std::min(buffer.size(), static_cast<std::size_t>(last - first));
        const auto count = ::pread(from, buffer.data(), wanted, first);
        if (count < 0) return failed("read", errno);
        if (count == 0) return {};  // it was cut short meanwhile; the length is set already
        if (const auto written = write_all(to, buffer.data(), static_cast<std::size_t>(count), first); !written) return written;
        first += count;
        if (const auto told = report(observer, static_cast<std::uint64_t>(first), whole); !told) return told;
    }
    return {};
}

Done copy_data(int from, int to, std::uint64_t start, std::uint64_t size, const CopyObserver& observer) {
    auto at = static_cast<off_t>(start);
    const auto end = static_cast<off_t>(size);
    while (at < end) {
        auto data = ::lseek(from, at, SEEK_DATA);
        if (data < 0 && errno == ENXIO) return {};  // nothing but a hole is left
        auto hole = data < 0 ? data : ::lseek(from, data, SEEK_HOLE);
        if (hole < 0 && errno != EINVAL && errno != EOPNOTSUPP) return failed("lseek", errno);
        if (hole < 0) {  // holes are unknown here
            data = at;
            hole = end;
        }
        if (const auto copied = copy_extent(from, to, data, std::min(hole, end), size, observer); !copied) return copied;
        at = hole;
    }
    return {};
}

}  // namespace

tl::expected<void, CopyFailure> copy_image(int from, int to, CopyMethod method, const CopyObserver& observer) {
    struct stat status {};
    if (::fstat(from, &status) != 0) return failed("getattr", errno);
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (::ftruncate(to, status.st_size) != 0) return failed("truncate", errno);
    std::uint64_t done = 0;
    if (method == CopyMethod::Clone) {
        const auto cloned = clone(from, to, size, observer);
        if (!cloned) return tl::unexpected(cloned.error());
        done = *cloned;
    }
    if (const auto copied = copy_data(from, to, done, size, observer); !copied) return copied;
    return report(observer, size, size);
}

}  // namespace varve::mount_client
