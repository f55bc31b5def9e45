// SPDX-License-Identifier: LGPL-2.1-or-later
// Serves a method table on a Unix socket.
#pragma once

#include "drivers/base/unique_fd.h"
#include "orchestrator/rpc/limits.h"
#include "orchestrator/rpc/method_table.h"
#include "orchestrator/rpc/peer.h"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string_view>

namespace varve::rpc {

// Belongs to the thread that runs the io_context, but for publish(). Long methods run in workers of its own.
class Server {
public:
    // Who is at the other end of a connection.
    using Peer = std::function<base::Result<orchestrator::Caller>(int socket)>;

    // Takes a listening Unix stream socket. The io_context and the methods outlive it.
    Server(boost::asio::io_context& io, const MethodTable& methods, base::UniqueFd listening, orchestrator::Rights rights,
           Limits limits = {}, Peer peer = &peer_of);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    // Ends as stop(), and waits for the methods that are under way.
    ~Server();

    // No new connections and no answers any more; methods under way go on.
    void stop();

    // Sends a notification to the subscribers for whom `visible` holds. Thread-safe, does not wait: who is slow misses events and is told so.
    void publish(std::string_view method, const nlohmann::json& params, std::function<bool(const orchestrator::Caller&)> visible);

private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace varve::rpc
