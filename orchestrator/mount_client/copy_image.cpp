// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/copy_image.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace varve::mount_client {
namespace {

using base::Bytes;
using Done = tl::expected<void, CopyFailure>;

// Large enough to make a clone of a big image few calls, a multiple of every block size.
constexpr std::uint64_t clone_piece = std::uint64_t{1} << 30;

// Tells and asks the observer.
Done report(const CopyObserver& observer, std::uint64_t done, std::optional<Bytes> whole) {
    if (observer.progress) observer.progress({done}, whole);
    if (observer.interrupted && observer.interrupted()) return source_failed("", EINTR);
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
        if (count < 0) return target_failed("copy_file_range", errno);
        if (count == 0) return done;  // some file systems say so of what they cannot do
        done += static_cast<std::uint64_t>(count);
        if (const auto told = report(observer, done, Bytes{size}); !told) return tl::unexpected(told.error());
    }
    return done;
}

}  // namespace

tl::expected<Bytes, CopyFailure> copy_image(ImageSource& from, ImageTarget& to, const CopyObserver& observer) {
    while (true) {
        const auto piece = from.next();
        if (!piece) return tl::unexpected(piece.error());
        const auto put = piece->data.empty() ? to.finish(piece->offset) : to.put(*piece);
        if (!put) return tl::unexpected(put.error());
        if (const auto told = report(observer, piece->end(), from.size()); !told) return tl::unexpected(told.error());
        if (piece->data.empty()) return Bytes{piece->offset};
    }
}

tl::expected<Bytes, CopyFailure> copy_file(int from, int to, CopyMethod method, const CopyObserver& observer) {
    struct stat status {};
    if (::fstat(from, &status) != 0) return source_failed("getattr", errno);
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (::ftruncate(to, status.st_size) != 0) return target_failed("truncate", errno);
    std::uint64_t done = 0;
    if (method != CopyMethod::Sparse) {
        const auto cloned = clone(from, to, size, observer);
        if (!cloned) return tl::unexpected(cloned.error());
        done = *cloned;
    }
    if (method == CopyMethod::Share) return Bytes{size};
    FileSource source(from, {size}, Holes::PassOver, done);
    FileTarget target(to, Zeros::Write);
    return copy_image(source, target, observer);
}

}  // namespace varve::mount_client
