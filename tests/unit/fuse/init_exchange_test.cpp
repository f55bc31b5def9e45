// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/fuse/init_exchange.h"

#include <gtest/gtest.h>

#include <linux/fuse.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <vector>

namespace varve::fuse {
namespace {

constexpr std::uint64_t unique = 2;
constexpr std::uint64_t passthrough = 1ULL << 37;
constexpr std::uint64_t allow_mmap = 1ULL << 36;

std::vector<std::byte> message(std::uint32_t opcode, std::uint64_t flags, std::size_t body_size = sizeof(fuse_init_in)) {
    fuse_in_header header{};
    header.opcode = opcode;
    header.unique = unique;
    fuse_init_in body{};
    body.major = 7;
    body.minor = 40;
    body.flags = static_cast<std::uint32_t>(flags);
    body.flags2 = static_cast<std::uint32_t>(flags >> 32);
    std::vector<std::byte> bytes(sizeof header + body_size);
    std::memcpy(bytes.data(), &header, sizeof header);
    std::memcpy(bytes.data() + sizeof header, &body, std::min(body_size, sizeof body));
    return bytes;
}

InitExchange::Reply as_libfuse_replies(std::uint32_t flags) {
    fuse_init_out out{};
    out.major = 7;
    out.minor = 31;
    out.flags = flags;
    InitExchange::Reply reply;
    std::memcpy(reply.data(), &out, sizeof out);
    return reply;
}

std::uint64_t flags_of(const InitExchange::Reply& reply) {
    fuse_init_out out{};
    std::memcpy(&out, reply.data(), sizeof out);
    return out.flags | std::uint64_t{out.flags2} << 32;
}

std::uint32_t stack_depth_of(const InitExchange::Reply& reply) {
    std::uint32_t depth = 0;
    std::memcpy(&depth, reply.data() + 36, sizeof depth);
    return depth;
}

TEST(InitExchange, AddsWhatTheKernelOffersToTheReply) {
    InitExchange exchange(true);
    constexpr std::uint64_t offered =
        FUSE_INIT_EXT | FUSE_HANDLE_KILLPRIV_V2 | FUSE_WRITEBACK_CACHE | FUSE_PARALLEL_DIROPS | allow_mmap | passthrough | 1ULL << 40;
    exchange.request(message(FUSE_INIT, offered));
    const auto reply = exchange.complete(unique, 0, as_libfuse_replies(FUSE_ASYNC_READ));
    ASSERT_TRUE(reply);
    EXPECT_EQ(flags_of(*reply),
              FUSE_ASYNC_READ | FUSE_PARALLEL_DIROPS | FUSE_INIT_EXT | FUSE_HANDLE_KILLPRIV_V2 | allow_mmap | passthrough);
    EXPECT_EQ(stack_depth_of(*reply), 1U);
    EXPECT_TRUE(exchange.passthrough());
}

TEST(InitExchange, AddsNothingThatIsNotOffered) {
    InitExchange exchange(true);
    exchange.request(message(FUSE_INIT, FUSE_INIT_EXT | allow_mmap));
    const auto reply = exchange.complete(unique, 0, as_libfuse_replies(0));
    ASSERT_TRUE(reply);
    EXPECT_EQ(flags_of(*reply), FUSE_INIT_EXT | allow_mmap);
    EXPECT_EQ(stack_depth_of(*reply), 0U);
    EXPECT_FALSE(exchange.passthrough());
}

TEST(InitExchange, TheUpperFlagsCountOnlyWithInitExt) {
    InitExchange exchange(true);
    exchange.request(message(FUSE_INIT, passthrough));
    EXPECT_FALSE(exchange.complete(unique, 0, as_libfuse_replies(0)));
    EXPECT_FALSE(exchange.passthrough());
}

TEST(InitExchange, OldKernelsSendShorterMessages) {
    InitExchange exchange(true);
    exchange.request(message(FUSE_INIT, FUSE_ASYNC_READ, FUSE_COMPAT_INIT_OUT_SIZE));
    EXPECT_FALSE(exchange.complete(unique, 0, as_libfuse_replies(0)));
    InitExchange cut_off(true);
    cut_off.request(std::vector<std::byte>(10));
    EXPECT_FALSE(cut_off.complete(unique, 0, as_libfuse_replies(0)));
}

TEST(InitExchange, PassthroughCanBeUnwanted) {
    InitExchange exchange(false);
    exchange.request(message(FUSE_INIT, FUSE_INIT_EXT | FUSE_HANDLE_KILLPRIV_V2 | passthrough));
    const auto reply = exchange.complete(unique, 0, as_libfuse_replies(0));
    ASSERT_TRUE(reply);
    EXPECT_EQ(flags_of(*reply), FUSE_INIT_EXT | FUSE_HANDLE_KILLPRIV_V2);
    EXPECT_EQ(stack_depth_of(*reply), 0U);
}

// What has another number, an error, another size or comes later is none of its business; so is every other request.
TEST(InitExchange, ChangesOneReplyOnly) {
    InitExchange exchange(true);
    EXPECT_FALSE(exchange.complete(0, 0, as_libfuse_replies(0))) << "nothing was asked yet";
    exchange.request(message(FUSE_STATFS, FUSE_INIT_EXT | passthrough));
    EXPECT_FALSE(exchange.complete(unique, 0, as_libfuse_replies(0)));
    exchange.request(message(FUSE_INIT, FUSE_INIT_EXT | passthrough));
    EXPECT_FALSE(exchange.complete(unique + 2, 0, as_libfuse_replies(0)));
    EXPECT_FALSE(exchange.complete(unique, -EPROTO, as_libfuse_replies(0)));
    EXPECT_FALSE(exchange.complete(unique, 0, std::span<const std::byte>(as_libfuse_replies(0)).first(24)));
    EXPECT_TRUE(exchange.complete(unique, 0, as_libfuse_replies(0)));
    EXPECT_FALSE(exchange.complete(unique, 0, as_libfuse_replies(0))) << "it was answered";
    exchange.request(message(FUSE_INIT, FUSE_INIT_EXT | passthrough));
    EXPECT_FALSE(exchange.complete(unique, 0, as_libfuse_replies(0))) << "a second one is no start of a session";
}

}  // namespace
}  // namespace varve::fuse
