// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/rpc/listen.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace varve::rpc {
namespace {

using base::Errc;
using base::fail;
using base::fail_errno;
using base::Result;
using base::UniqueFd;

Result<sockaddr_un> address_of(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.native().size() >= sizeof address.sun_path) return fail(Errc::InvalidArgument, path.string() + " is too long for a socket");
    std::ranges::copy(path.native(), address.sun_path);
    return address;
}

UniqueFd stream_socket() { return UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

// Makes way for a new socket.
Result<> remove_stale(const std::filesystem::path& path, const sockaddr_un& address) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
        if (errno == ENOENT) return {};
        return fail_errno(errno, "cannot look at " + path.string());
    }
    if (!S_ISSOCK(status.st_mode))
        return fail(Errc::Exists, path.string() + " is there and is no socket; remove it or choose another path");
    const auto probe = stream_socket();
    if (!probe.valid()) return fail_errno(errno, "cannot make a socket");
    if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        return fail(Errc::Busy, "another program serves " + path.string());
    if (errno != ECONNREFUSED) return fail_errno(errno, "cannot find out who serves " + path.string());
    if (::unlink(path.c_str()) != 0) return fail_errno(errno, "cannot remove the old socket " + path.string());
    return {};
}

}  // namespace

Result<std::optional<UniqueFd>> inherited_socket() {
    const int count = ::sd_listen_fds(1);
    if (count < 0) return fail_errno(-count, "cannot take over systemd's socket");
    if (count == 0) return std::optional<UniqueFd>();
    UniqueFd socket(SD_LISTEN_FDS_START);
    if (count > 1) return fail(Errc::InvalidArgument, "systemd handed over " + std::to_string(count) + " sockets, but only one is served");
    if (::sd_is_socket_unix(socket.get(), SOCK_STREAM, 1, nullptr, 0) <= 0)
        return fail(Errc::InvalidArgument, "what systemd handed over is no listening Unix stream socket");
    return std::optional<UniqueFd>(std::move(socket));
}

Result<UniqueFd> bind_socket(const std::filesystem::path& path) {
    constexpr int backlog = 64;
    constexpr mode_t for_everyone = 0666;
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    if (error) return fail_errno(error.value(), "cannot make " + path.parent_path().string());
    const auto address = TRY(address_of(path));
    TRY(remove_stale(path, address));
    auto socket = stream_socket();
    if (!socket.valid()) return fail_errno(errno, "cannot make a socket");
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return fail_errno(errno, "cannot make the socket " + path.string());
    if (::chmod(path.c_str(), for_everyone) != 0) return fail_errno(errno, "cannot open the socket " + path.string() + " for everyone");
    if (::listen(socket.get(), backlog) != 0) return fail_errno(errno, "cannot listen at " + path.string());
    return socket;
}

}  // namespace varve::rpc
