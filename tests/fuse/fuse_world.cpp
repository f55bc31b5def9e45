// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/fuse/fuse_world.h"
#include "tests/support/waiting.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace varve::fuse_test {
namespace {

// The end of the wire reads as an unmounted /dev/fuse does.
ssize_t read_request(int fd, void* buffer, std::size_t size, void*) {
    const auto count = ::recv(fd, buffer, size, 0);
    if (count > 0 || (count < 0 && errno != ECONNRESET)) return count;  // reset: hung up before it had read every answer
    errno = ENODEV;
    return -1;
}

// A peer that does not listen is a caller that was killed: the kernel has ENOENT for its answer.
ssize_t write_answer(int fd, iovec* parts, int count, void*) {
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = static_cast<std::size_t>(count);
    const auto sent = ::sendmsg(fd, &message, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) errno = ENOENT;
    return sent;
}

}  // namespace

FuseWorld::FuseWorld() {
    // Notifications are written with write(2), which a wire that has ended answers with SIGPIPE. /dev/fuse never does.
    (void)std::signal(SIGPIPE, SIG_IGN);  // fails only for unknown signals
    listener_.pass_on_to(&notifier_);
}

void FuseWorld::TearDown() {
    if (session_) end_session();
    listener_.pass_on_to(nullptr);
    ControlWorld::TearDown();
}

Wire& FuseWorld::connect() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
    wire_.emplace(base::UniqueFd(ends[0]));
    fuse_custom_io io{};
    io.read = read_request;
    io.writev = write_answer;
    auto session = fuse::Session::over(server_, notifier_, base::UniqueFd(ends[1]), io);
    EXPECT_TRUE(succeeded(session));
    session_ = *std::move(session);
    running_ = std::async(std::launch::async, [&session = *session_] { return session.run(); });
    return *wire_;
}

Wire& FuseWorld::begin(std::uint32_t minor) {
    connect();
    EXPECT_EQ(wire_->init(minor, all_flags).error, 0);
    return *wire_;
}

base::Result<> FuseWorld::ended() {
    if (running_->wait_for(test_support::patience) != std::future_status::ready) {
        // Its thread cannot be ended, and waiting for it would take for ever.
        (void)std::fputs("the session does not end\n", stderr);
        std::abort();
    }
    auto outcome = running_->get();
    running_.reset();
    session_.reset();
    return outcome;
}

void FuseWorld::end_session() {
    wire_->hang_up();
    EXPECT_TRUE(succeeded(ended()));
}

VolumeRef FuseWorld::work(std::string_view text) {
    auto volume = origin("work", "root", base::Bytes{1U << 16});
    commit(volume, text, 1'500'000'000);
    EXPECT_TRUE(succeeded(volumes_.remove_revision(volume, volume.view()->revisions.front().id)));  // the empty one that it began with
    return volume;
}

}  // namespace varve::fuse_test
