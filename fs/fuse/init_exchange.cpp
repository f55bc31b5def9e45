// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/fuse/init_exchange.h"

#include <linux/fuse.h>

#include <algorithm>
#include <cstring>

namespace varve::fuse {
namespace {

// Flags that Debian 12's header lacks: include/uapi/linux/fuse.h.
constexpr std::uint64_t direct_io_allow_mmap = 1ULL << 36;  // 7.39: MAP_SHARED also of what is opened for direct I/O
constexpr std::uint64_t passthrough_flag = 1ULL << 37;      // 7.40
// Without it every write asks for security.capability first (ten times slower). We keep no set-user-ID bits and no capabilities to remove.
constexpr std::uint64_t killpriv_v2 = FUSE_HANDLE_KILLPRIV_V2;
constexpr std::uint64_t extended = FUSE_INIT_EXT;
// Look-ups and listings in one directory at the same time. libfuse 3.14 has the capability, but leaves it out of its reply.
constexpr std::uint64_t parallel = FUSE_PARALLEL_DIROPS;

// fuse_init_out's max_stack_depth took the first of its unused words.
constexpr std::size_t stack_depth_offset = offsetof(fuse_init_out, unused);
// 1: our backing files lie on ordinary file systems. (2 would allow overlayfs, and forbid a loop device's file system on top of us.)
constexpr std::uint32_t stack_depth = 1;

static_assert(sizeof(fuse_init_out) == InitExchange::reply_size);

}  // namespace

void InitExchange::request(std::span<const std::byte> message) {
    if (finished_) return;
    fuse_in_header header{};
    fuse_init_in body{};
    if (message.size() < sizeof header) return;
    std::memcpy(&header, message.data(), sizeof header);
    if (header.opcode != FUSE_INIT) return;
    // Older kernels send less; what is missing is zero.
    const auto rest = message.subspan(sizeof header);
    std::memcpy(&body, rest.data(), std::min(sizeof body, rest.size()));
    unique_ = header.unique;
    offered_ = body.flags;
    if ((offered_ & extended) != 0) offered_ |= std::uint64_t{body.flags2} << 32;
}

std::optional<InitExchange::Reply> InitExchange::complete(std::uint64_t unique, std::int32_t error, std::span<const std::byte> body) {
    if (finished_ || unique_ == 0 || unique != unique_ || error != 0 || body.size() != reply_size) return std::nullopt;
    finished_ = true;
    const auto wanted = offered_ & (parallel | extended | direct_io_allow_mmap | killpriv_v2 | (wants_passthrough_ ? passthrough_flag : 0));
    if (wanted == 0) return std::nullopt;
    fuse_init_out out{};
    std::memcpy(&out, body.data(), sizeof out);
    out.flags |= static_cast<std::uint32_t>(wanted);
    out.flags2 |= static_cast<std::uint32_t>(wanted >> 32);
    passthrough_ = (wanted & passthrough_flag) != 0;
    Reply reply;
    std::memcpy(reply.data(), &out, sizeof out);
    if (passthrough_) std::memcpy(reply.data() + stack_depth_offset, &stack_depth, sizeof stack_depth);
    return reply;
}

}  // namespace varve::fuse
