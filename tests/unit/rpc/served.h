// SPDX-License-Identifier: LGPL-2.1-or-later
// A server in a thread of its own, on a socket in a directory of its own, and raw connections to it.
#pragma once

#include "orchestrator/rpc/listen.h"
#include "orchestrator/rpc/peer.h"
#include "orchestrator/rpc/server.h"
#include "tests/support/waiting.h"

#include <gtest/gtest.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace varve::rpc::tests {

constexpr int patience = std::chrono::milliseconds(test_support::patience).count();

inline std::filesystem::path fresh_directory() {
    std::string pattern = testing::TempDir() + "varve-rpc-XXXXXX";
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    return pattern;
}

class Raw {
public:
    explicit Raw(const std::filesystem::path& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::ranges::copy(path.native(), address.sun_path);
        EXPECT_EQ(::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    }
    void send(std::string_view text) const {
        while (!text.empty()) {
            const auto count = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
            if (count <= 0) return;  // it may have been cut off on purpose
            text.remove_prefix(static_cast<std::size_t>(count));
        }
    }
    // How much the server takes before it stops reading.
    std::size_t send_all_that_fits(std::string_view text, std::size_t most) const {
        std::size_t sent = 0;
        while (sent < most) {
            pollfd waiting{fd_.get(), POLLOUT, 0};
            if (::poll(&waiting, 1, 200) <= 0) return sent;
            const auto count = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (count > 0) sent += static_cast<std::size_t>(count);
        }
        return sent;
    }
    // "" at the end of the connection.
    std::string line() {
        for (;;) {
            if (const auto end = input_.find('\n'); end != std::string::npos) {
                auto found = input_.substr(0, end);
                input_.erase(0, end + 1);
                return found;
            }
            pollfd waiting{fd_.get(), POLLIN, 0};
            if (::poll(&waiting, 1, patience) <= 0) return "nothing came";
            char chunk[65536];
            const auto count = ::recv(fd_.get(), chunk, sizeof chunk, 0);
            if (count <= 0) return "";
            input_.append(chunk, static_cast<std::size_t>(count));
        }
    }
    nlohmann::json json() { return nlohmann::json::parse(line(), nullptr, false); }
    // Whether the server ends the connection, in time.
    bool ends() const {
        pollfd waiting{fd_.get(), 0, 0};
        return ::poll(&waiting, 1, patience) > 0 && (waiting.revents & POLLHUP) != 0;
    }
    void finish_sending() const { (void)::shutdown(fd_.get(), SHUT_WR); }
    void close() { fd_.reset(); }

private:
    base::UniqueFd fd_;
    std::string input_;
};

class Served {
public:
    explicit Served(const MethodTable& methods, Limits limits = {}, uid_t owner = 0) : directory_(fresh_directory()) {
        auto socket = bind_socket(path());
        EXPECT_TRUE(socket) << socket.error().message();
        server_ = std::make_unique<Server>(io_, methods, *std::move(socket), orchestrator::Rights({}, owner), limits,
                                           [this](int socket) { return peer(socket); });
        thread_ = std::thread([this] { io_.run(); });
    }
    ~Served() {
        boost::asio::post(io_, [this] { server_->stop(); });
        work_.reset();
        thread_.join();
        server_.reset();
        std::filesystem::remove_all(directory_);
    }
    Served(const Served&) = delete;
    Served& operator=(const Served&) = delete;

    std::filesystem::path path() const { return directory_ / "socket"; }
    Raw connect() const { return Raw(path()); }
    // The server takes it for this user's. It takes connections in their order: those made otherwise have been answered by now.
    Raw connect_as(uid_t uid) {
        const std::scoped_lock lock(mutex_);
        uids_.push_back(uid);
        return connect();
    }
    Server& server() { return *server_; }

private:
    base::Result<orchestrator::Caller> peer(int socket) {
        auto caller = TRY(peer_of(socket));
        const std::scoped_lock lock(mutex_);
        if (uids_.empty()) return caller;
        caller.uid = uids_.front();
        uids_.pop_front();
        return caller;
    }

    std::filesystem::path directory_;
    std::mutex mutex_;
    std::deque<uid_t> uids_;  // of connections to come; under the mutex
    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
    std::unique_ptr<Server> server_;
    std::thread thread_;
};

}  // namespace varve::rpc::tests
