// SPDX-License-Identifier: LGPL-2.1-or-later
// For libfuse before 3.17.
#include "fs/fuse/negotiation.h"
#include "fs/fuse/server.h"

#include <linux/fuse.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>

namespace varve::fuse {
namespace {

constexpr std::uint32_t fopen_passthrough = 1U << 7;  // 7.40; fuse_open_out's last word is then the backing id
// What else the kernel allows beside it: FOPEN_PASSTHROUGH_MASK in its fs/fuse/iomode.c.
constexpr std::uint32_t fopen_noflush = FOPEN_NOFLUSH;

fuse_open_out open_out(const fuse_file_info& info, BackingId backing) {
    fuse_open_out out{};
    out.fh = info.fh;
    out.open_flags = fopen_passthrough | (info.noflush != 0 ? fopen_noflush : 0);
    out.padding = static_cast<std::uint32_t>(backing.value);
    return out;
}

void set_time(double seconds, std::uint64_t& whole, std::uint32_t& nanoseconds) {
    whole = static_cast<std::uint64_t>(seconds);
    nanoseconds = static_cast<std::uint32_t>((seconds - std::floor(seconds)) * 1e9);
}

fuse_entry_out entry_out(const fuse_entry_param& entry) {
    fuse_entry_out out{};
    out.nodeid = entry.ino;
    out.generation = entry.generation;
    set_time(entry.entry_timeout, out.entry_valid, out.entry_valid_nsec);
    set_time(entry.attr_timeout, out.attr_valid, out.attr_valid_nsec);
    const auto& stat = entry.attr;
    out.attr.ino = stat.st_ino;
    out.attr.size = static_cast<std::uint64_t>(stat.st_size);
    out.attr.blocks = static_cast<std::uint64_t>(stat.st_blocks);
    out.attr.atime = static_cast<std::uint64_t>(stat.st_atim.tv_sec);
    out.attr.mtime = static_cast<std::uint64_t>(stat.st_mtim.tv_sec);
    out.attr.ctime = static_cast<std::uint64_t>(stat.st_ctim.tv_sec);
    out.attr.atimensec = static_cast<std::uint32_t>(stat.st_atim.tv_nsec);
    out.attr.mtimensec = static_cast<std::uint32_t>(stat.st_mtim.tv_nsec);
    out.attr.ctimensec = static_cast<std::uint32_t>(stat.st_ctim.tv_nsec);
    out.attr.mode = stat.st_mode;
    out.attr.nlink = static_cast<std::uint32_t>(stat.st_nlink);
    out.attr.uid = stat.st_uid;
    out.attr.gid = stat.st_gid;
    out.attr.blksize = static_cast<std::uint32_t>(stat.st_blksize);
    return out;
}

}  // namespace

base::Result<> Negotiation::attach(fuse_session* session, int fd, const fuse_custom_io& io) {
    io_ = io;
    exchange_.emplace(wants_passthrough_);
    fuse_custom_io own = io;
    own.read = &Negotiation::read;
    own.writev = &Negotiation::write;
    if (const int failed = fuse_session_custom_io(session, &own, fd); failed != 0)
        return base::fail_errno(failed < 0 ? -failed : EINVAL, "libfuse refused the session's descriptor");
    return {};
}

ssize_t Negotiation::read(int fd, void* buffer, std::size_t size, void* userdata) {
    auto& negotiation = static_cast<Server*>(userdata)->negotiation();
    const auto count = negotiation.io_.read(fd, buffer, size, userdata);
    if (count > 0) negotiation.exchange_->request({static_cast<const std::byte*>(buffer), static_cast<std::size_t>(count)});
    return count;
}

// libfuse sends a header and a body as two parts.
ssize_t Negotiation::write(int fd, iovec* parts, int count, void* userdata) {
    auto& negotiation = static_cast<Server*>(userdata)->negotiation();
    if (count != 2 || parts[0].iov_len != sizeof(fuse_out_header) || parts[1].iov_len != InitExchange::reply_size)
        return negotiation.io_.writev(fd, parts, count, userdata);
    fuse_out_header header{};
    std::memcpy(&header, parts[0].iov_base, sizeof header);
    auto completed =
        negotiation.exchange_->complete(header.unique, header.error, {static_cast<const std::byte*>(parts[1].iov_base), parts[1].iov_len});
    if (!completed) return negotiation.io_.writev(fd, parts, count, userdata);
    std::array<iovec, 2> changed{parts[0], {completed->data(), completed->size()}};
    return negotiation.io_.writev(fd, changed.data(), 2, userdata);
}

void Negotiation::init(fuse_conn_info&) {}  // the exchange completes the reply

std::optional<std::string> Negotiation::refusal() const {
    if (exchange_ && exchange_->passthrough()) return std::nullopt;
    return wants_passthrough_ ? "the kernel does not offer it (Linux 6.9 is the first)" : "the configuration says so";
}

int reply_with_backing(fuse_req_t request, const fuse_entry_param* entry, const fuse_file_info& info, BackingId backing) {
    const auto opened = open_out(info, backing);
    if (entry == nullptr) return fuse_reply_buf(request, reinterpret_cast<const char*>(&opened), sizeof opened);
    const auto made = entry_out(*entry);
    std::array<char, sizeof made + sizeof opened> both{};
    std::memcpy(both.data(), &made, sizeof made);
    std::memcpy(both.data() + sizeof made, &opened, sizeof opened);
    return fuse_reply_buf(request, both.data(), both.size());
}

}  // namespace varve::fuse
