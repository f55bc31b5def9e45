// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/rpc_client/client.h"

#include "orchestrator/mount_client/json_fields.h"
#include "orchestrator/mount_client/reply.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace varve::rpc_client {
namespace {

using base::Errc;
using base::fail;
using base::fail_errno;
using base::Result;
using nlohmann::json;

constexpr std::size_t longest_answer = std::size_t{64} << 20;

// {"code":-32000,"message":...,"data":{"code":"busy"}} in the form of varvefs' errors.
base::Error error_in(const json& error) {
    json plain{{"message", mount_client::text_field(error, "message")}};
    if (const auto* data = mount_client::field(error, "data")) plain["code"] = mount_client::text_field(*data, "code");
    return mount_client::parse_error(plain);
}

bool is_answer_to(const json& message, std::int64_t id) {
    const auto* answered = mount_client::field(message, "id");
    // A connection that is refused is told so before anything was asked.
    return answered != nullptr && (*answered == id || answered->is_null());
}

}  // namespace

Result<Client> Client::connect(const std::filesystem::path& socket) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket.native().size() >= sizeof address.sun_path)
        return fail(Errc::InvalidArgument, socket.string() + " is too long for a socket");
    std::ranges::copy(socket.native(), address.sun_path);
    base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd.valid()) return fail_errno(errno, "cannot make a socket");
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return Client(std::move(fd));
    if (errno == ENOENT || errno == ECONNREFUSED)
        return fail(Errc::NotFound, "the orchestrator does not answer at " + socket.string() +
                                        ": start varve-orchestrator, or say where it is with --socket");
    return fail_errno(errno, "cannot reach the orchestrator at " + socket.string());
}

Result<> Client::wait(short events, std::chrono::milliseconds deadline) {
    // A signal that comes between the question and poll(2) is noticed after one slice.
    constexpr std::chrono::milliseconds slice{500};
    const bool forever = deadline < std::chrono::milliseconds::zero();
    const auto end = std::chrono::steady_clock::now() + deadline;
    for (;;) {
        if (interrupted_ && interrupted_()) return fail(Errc::Interrupted, "interrupted; the orchestrator finishes what it began");
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        if (!forever && left <= std::chrono::milliseconds::zero())
            return fail(Errc::TimedOut, "the orchestrator has not answered in time; it may still be at work");
        pollfd waiting{socket_.get(), events, 0};
        const int ready = ::poll(&waiting, 1, static_cast<int>((forever ? slice : std::min(left, slice)).count()));
        if (ready > 0) return {};
        if (ready < 0 && errno != EINTR) return fail_errno(errno, "cannot wait for the orchestrator");
    }
}

Result<> Client::send(std::string_view text) {
    while (!text.empty()) {
        TRY(wait(POLLOUT, patience_));
        const auto count = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        // Whoever ends a connection has said why before: that is read next.
        if (count < 0 && (errno == EPIPE || errno == ECONNRESET)) return {};
        if (count < 0) return fail_errno(errno, "cannot ask the orchestrator");
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
}

ssize_t Client::receive_some(std::span<char> buffer) {
    iovec part{buffer.data(), buffer.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};  // for one: the kernel closes more
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const auto count = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (count < 0) return count;
    const auto* const header = CMSG_FIRSTHDR(&message);
    if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
        header->cmsg_len < CMSG_LEN(sizeof(int)))
        return count;
    int number = -1;
    std::memcpy(&number, CMSG_DATA(header), sizeof number);
    descriptor_ = base::UniqueFd(number);
    return count;
}

Result<json> Client::receive(std::chrono::milliseconds deadline) {
    std::array<char, 65536> chunk{};
    for (std::size_t searched = 0;;) {
        const auto end = input_.find('\n', searched);
        if (end != std::string::npos) {
            auto message = json::parse(std::string_view(input_).substr(0, end), nullptr, false);
            input_.erase(0, end + 1);
            if (!message.is_object()) return fail(Errc::Corrupt, "the orchestrator sent something that is no answer");
            return message;
        }
        searched = input_.size();
        if (input_.size() > longest_answer) return fail(Errc::TooLarge, "the orchestrator's answer is too long");
        TRY(wait(POLLIN, deadline));
        const auto count = receive_some(chunk);
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (count < 0) return fail_errno(errno, "the connection to the orchestrator broke");
        if (count == 0) return fail(Errc::Io, "the orchestrator ended the connection; its log says why");
        input_.append(chunk.data(), static_cast<std::size_t>(count));
    }
}

Result<json> Client::call(std::string_view method, const json& params, const Listener& listener) {
    const auto id = ++last_id_;
    const json request{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}};
    TRY(send(mount_client::compact(request) + "\n"));
    for (;;) {
        const auto message = TRY(receive(patience_));
        if (is_answer_to(message, id)) {
            if (const auto* error = mount_client::field(message, "error")) return base::Failure(error_in(*error));
            const auto* result = mount_client::field(message, "result");
            if (result == nullptr) return fail(Errc::Corrupt, "the orchestrator sent something that is no answer");
            return *result;
        }
        const auto* told = mount_client::field(message, "params");
        if (listener && told != nullptr) listener(mount_client::text_field(message, "method"), *told);
    }
}

Result<> Client::listen(const std::function<bool(std::string_view, const json&)>& listener) {
    constexpr std::chrono::milliseconds forever{-1};
    for (;;) {
        const auto message = TRY(receive(forever));
        const auto* told = mount_client::field(message, "params");
        if (told != nullptr && !listener(mount_client::text_field(message, "method"), *told)) return {};
    }
}

}  // namespace varve::rpc_client
