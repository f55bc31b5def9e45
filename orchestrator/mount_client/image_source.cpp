// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/image_source.h"

#include "orchestrator/mount_client/readiness.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

namespace varve::mount_client {
namespace {

constexpr std::size_t page_size = 4096;
constexpr std::size_t beginning_size = 512;

}  // namespace

PieceBuffer::PieceBuffer() : memory_(static_cast<char*>(std::aligned_alloc(page_size, copy_piece))) {
    if (!memory_) throw std::bad_alloc();
    std::memset(memory_.get(), 0, copy_piece);
}

FileSource::FileSource(int fd, base::Bytes size, Holes holes, std::uint64_t start) : fd_(fd), size_(size.count), at_(start) {
    if (holes == Holes::AsZeros) zeros_.emplace();
    (void)::posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);  // only advice
}

tl::expected<std::string_view, CopyFailure> FileSource::beginning() {
    const auto count = ::pread(fd_, buffer_.data(), beginning_size, 0);
    if (count < 0) return source_failed("read", errno);
    return std::string_view(buffer_.data(), static_cast<std::size_t>(count));
}

tl::expected<void, CopyFailure> FileSource::find_data() {
    data_end_ = size_;
    const auto data = ::lseek(fd_, static_cast<off_t>(at_), SEEK_DATA);
    if (data < 0) {
        if (errno != ENXIO && errno != EINVAL && errno != EOPNOTSUPP) return source_failed("lseek", errno);
        data_ = errno == ENXIO ? size_ : at_;  // nothing but a hole is left; or holes are unknown here
        return {};
    }
    data_ = std::min(static_cast<std::uint64_t>(data), size_);
    const auto hole = ::lseek(fd_, data, SEEK_HOLE);
    if (hole < 0) return source_failed("lseek", errno);
    data_end_ = std::min(static_cast<std::uint64_t>(hole), size_);
    return {};
}

std::size_t FileSource::piece_up_to(std::uint64_t end) const {
    return static_cast<std::size_t>(std::min<std::uint64_t>(end - at_, copy_piece - at_ % copy_piece));
}

tl::expected<Piece, CopyFailure> FileSource::next() {
    if (at_ < size_ && at_ >= data_end_)
        if (const auto found = find_data(); !found) return tl::unexpected(found.error());
    if (at_ < data_ && !zeros_) at_ = data_;
    const Piece end{size_, {}};
    if (at_ >= size_) return end;
    const auto start = at_;
    if (at_ < data_) {
        const auto count = piece_up_to(data_);
        at_ += count;
        return Piece{start, {zeros_->data(), count}};
    }
    const auto count = ::pread(fd_, buffer_.data(), piece_up_to(data_end_), static_cast<off_t>(at_));
    if (count < 0) return source_failed("read", errno);
    if (count == 0) return source_failed("read", ENODATA);
    at_ += static_cast<std::uint64_t>(count);
    return Piece{start, {buffer_.data(), static_cast<std::size_t>(count)}};
}

StreamSource::StreamSource(int fd, std::optional<base::Bytes> size, base::Bytes limit, std::function<bool()> interrupted)
    : fd_(fd), size_(size), limit_(limit.count), interrupted_(std::move(interrupted)) {
    (void)::fcntl(fd, F_SETPIPE_SZ, static_cast<int>(copy_piece));  // fewer switches; sockets have no such size, and a quota may forbid it
}

tl::expected<void, CopyFailure> StreamSource::fill() {
    if (full_) return {};
    filled_ = 0;
    while (filled_ < copy_piece) {
        if (const int problem = wait_until_ready(fd_, POLLIN, interrupted_); problem != 0) return source_failed("read", problem);
        const auto count = ::read(fd_, buffer_.data() + filled_, copy_piece - filled_);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;  // the wait asks whether it was an interrupt
        if (count < 0) return source_failed("read", errno);
        if (count == 0) break;
        filled_ += static_cast<std::size_t>(count);
        if (filled_ > limit_ - at_) return source_failed("read", EFBIG);
    }
    full_ = true;
    return {};
}

tl::expected<std::string_view, CopyFailure> StreamSource::beginning() {
    if (const auto filled = fill(); !filled) return tl::unexpected(filled.error());
    return std::string_view(buffer_.data(), std::min(filled_, beginning_size));
}

tl::expected<Piece, CopyFailure> StreamSource::next() {
    if (const auto filled = fill(); !filled) return tl::unexpected(filled.error());
    const Piece piece{at_, {buffer_.data(), filled_}};
    at_ += filled_;
    full_ = filled_ == 0;  // the end stays the end
    return piece;
}

}  // namespace varve::mount_client
