// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/image_target.h"

#include "orchestrator/mount_client/readiness.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace varve::mount_client {
namespace {

using Done = tl::expected<void, CopyFailure>;

constexpr std::size_t zero_block = std::size_t{64} << 10;

bool all_zeros(std::span<const char> data) { return data.front() == 0 && std::memcmp(data.data(), data.data() + 1, data.size() - 1) == 0; }

// The part of the piece up to the next multiple of `zero_block`.
std::span<const char> first_block(const Piece& piece) {
    return piece.data.first(std::min<std::size_t>(piece.data.size(), zero_block - piece.offset % zero_block));
}

Piece without_first(const Piece& piece, std::size_t count) { return {piece.offset + count, piece.data.subspan(count)}; }

Done write_all(int fd, Piece piece) {
    while (!piece.data.empty()) {
        const auto written = ::pwrite(fd, piece.data.data(), piece.data.size(), static_cast<off_t>(piece.offset));
        if (written < 0) return target_failed("write", errno);
        if (written == 0) return target_failed("write", EIO);
        piece = without_first(piece, static_cast<std::size_t>(written));
    }
    return {};
}

Done write_zeros(int fd, std::uint64_t offset, std::uint64_t count) {
    const PieceBuffer zeros;
    while (count > 0) {
        const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(count, copy_piece));
        if (auto written = write_all(fd, {offset, {zeros.data(), length}}); !written) return written;
        offset += length;
        count -= length;
    }
    return {};
}

Done punch(int fd, std::uint64_t offset, std::uint64_t count) {
    constexpr int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    if (::fallocate(fd, mode, static_cast<off_t>(offset), static_cast<off_t>(count)) == 0) return {};
    if (errno != EOPNOTSUPP && errno != ENOSYS) return target_failed("fallocate", errno);
    return write_zeros(fd, offset, count);
}

}  // namespace

Done FileTarget::put(const Piece& piece) {
    if (zeros_ == Zeros::Write) return write_all(fd_, piece);
    Piece rest = piece;
    while (!rest.data.empty()) {
        std::size_t kept = 0;  // bytes before the next block of zeros
        std::size_t zeros = 0;
        for (Piece ahead = rest; !ahead.data.empty() && zeros == 0; ahead = without_first(ahead, first_block(ahead).size())) {
            const auto block = first_block(ahead);
            (all_zeros(block) ? zeros : kept) += block.size();
        }
        if (const auto written = write_all(fd_, {rest.offset, rest.data.first(kept)}); !written) return written;
        if (zeros_ == Zeros::Punch && zeros > 0)
            if (auto punched = punch(fd_, rest.offset + kept, zeros); !punched) return punched;
        rest = without_first(rest, kept + zeros);
    }
    return {};
}

Done FileTarget::finish(std::uint64_t size) {
    if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) return target_failed("truncate", errno);
    return {};
}

Done StreamTarget::put(const Piece& piece) {
    auto rest = piece.data;
    while (!rest.empty()) {
        if (const int problem = wait_until_ready(fd_, POLLOUT, interrupted_); problem != 0) return target_failed("write", problem);
        const auto written = ::write(fd_, rest.data(), rest.size());
        if (written < 0 && (errno == EAGAIN || errno == EINTR)) continue;  // the wait asks whether it was an interrupt
        if (written < 0) return target_failed("write", errno);
        rest = rest.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

Done StreamTarget::finish(std::uint64_t /*size*/) { return {}; }  // the holes came as zeros

}  // namespace varve::mount_client
