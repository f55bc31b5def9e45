// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/rpc/server.h"

#include "orchestrator/rpc/connection.h"

#include <boost/asio/post.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <set>
#include <utility>

namespace varve::rpc {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using boost::system::error_code;
using orchestrator::Caller;

class Server::Impl : public std::enable_shared_from_this<Impl> {
public:
    Impl(asio::io_context& io, const MethodTable& methods, base::UniqueFd listening, orchestrator::Rights rights, Limits limits, Peer peer)
        : io_(io),
          methods_(methods),
          rights_(std::move(rights)),
          limits_(limits),
          peer_(std::move(peer)),
          acceptor_(io, stream_protocol(), listening.release()),
          retry_(io),
          workers_(std::make_shared<Workers>(io, rights_, limits)) {}

    void accept() {
        acceptor_.async_accept([self = shared_from_this()](error_code error, Connection::Socket socket) {
            if (!self->acceptor_.is_open()) return;
            if (error) return self->accept_later();
            self->connected(std::move(socket));
            self->accept();
        });
    }

    void stop() {
        error_code ignored;  // it is over either way
        acceptor_.close(ignored);
        retry_.cancel();
        const auto connections = std::exchange(connections_, {});
        for (const auto& connection : connections) connection->close();
    }

    void finish() {
        stop();
        workers_->join();
    }

    void publish(const std::string& line, const std::function<bool(const Caller&)>& visible) {
        // A copy: an event may end a connection.
        const auto connections = connections_;
        for (const auto& connection : connections)
            if (connection->is_subscribed() && visible(connection->caller())) connection->send_event(line);
    }

    [[nodiscard]] asio::io_context& io() const { return io_; }

private:
    // Descriptors may have run out: some will be closed.
    void accept_later() {
        retry_.expires_after(std::chrono::milliseconds(100));
        retry_.async_wait([self = shared_from_this()](error_code error) {
            if (!error) self->accept();
        });
    }

    void connected(Connection::Socket socket) {
        auto caller = peer_(socket.native_handle());
        if (!caller) return refuse(socket, caller.error());
        if (is_full(*caller))
            return refuse(socket, {base::Errc::Busy, {}, "the orchestrator has too many connections; try again when some have ended"});
        auto connection = std::make_shared<Connection>(std::move(socket), *std::move(caller), methods_, *workers_, limits_,
                                                       [weak = weak_from_this()](Connection& closed) {
                                                           if (const auto self = weak.lock())
                                                               self->connections_.erase(closed.shared_from_this());
                                                       });
        connections_.insert(connection);
        connection->begin();
    }

    [[nodiscard]] bool is_full(const Caller& caller) const {
        if (connections_.size() >= limits_.connections) return true;
        if (rights_.is_administrator(caller)) return false;
        const auto count = [&](const auto& is_counted) {
            return static_cast<std::size_t>(
                std::ranges::count_if(connections_, [&](const auto& other) { return is_counted(other->caller()); }));
        };
        // Somebody may have many uids: all others together leave administrators some places.
        const auto of_others = count([&](const Caller& other) { return !rights_.is_administrator(other); });
        if (of_others + limits_.connections_for_administrators >= limits_.connections) return true;
        return count([&](const Caller& other) { return other.uid == caller.uid; }) >= limits_.connections_of_a_user;
    }

    static void refuse(Connection::Socket& socket, const base::Error& why) {
        const auto line = line_of(failure(nullptr, why));
        // A fresh socket takes a line; who does not get it sees the end of the connection.
        (void)::send(socket.native_handle(), line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    }

    asio::io_context& io_;
    const MethodTable& methods_;
    orchestrator::Rights rights_;
    Limits limits_;
    Peer peer_;
    stream_protocol::acceptor acceptor_;
    asio::steady_timer retry_;
    std::set<std::shared_ptr<Connection>> connections_;
    std::shared_ptr<Workers> workers_;
};

Server::Server(asio::io_context& io, const MethodTable& methods, base::UniqueFd listening, orchestrator::Rights rights, Limits limits,
               Peer peer)
    : impl_(std::make_shared<Impl>(io, methods, std::move(listening), std::move(rights), limits, std::move(peer))) {
    impl_->accept();
}

Server::~Server() { impl_->finish(); }

void Server::stop() { impl_->stop(); }

void Server::publish(std::string_view method, const Json& params, std::function<bool(const Caller&)> visible) {
    asio::post(impl_->io(), [impl = impl_, line = line_of(notification(method, params)), visible = std::move(visible)] {
        impl->publish(line, visible);
    });
}

}  // namespace varve::rpc
