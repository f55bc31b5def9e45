// SPDX-License-Identifier: LGPL-2.1-or-later
// One client. Everything here happens in the thread of the server's io_context, but for what workers call.
#pragma once

#include "drivers/base/unique_fd.h"
#include "orchestrator/rpc/limits.h"
#include "orchestrator/rpc/message.h"
#include "orchestrator/rpc/method_table.h"
#include "orchestrator/rpc/workers.h"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

namespace varve::rpc {

class Connection : public std::enable_shared_from_this<Connection> {
public:
    using Socket = boost::asio::local::stream_protocol::socket;
    // `closed` is called once, when it is over.
    Connection(Socket socket, orchestrator::Caller caller, const MethodTable& methods, Workers& workers, Limits limits,
               std::function<void(Connection&)> closed);

    void begin() { read_or_end(); }
    void close();

    [[nodiscard]] const orchestrator::Caller& caller() const { return caller_; }
    [[nodiscard]] bool is_subscribed() const { return subscribed_; }
    // Left out, and counted as missed, while too much waits to be read.
    void send_event(const std::string& line);

private:
    struct Answer;
    // What is to be written, and what goes with its first byte.
    struct Line {
        std::string text;
        base::UniqueFd enclosed = {};
    };

    void read_or_end();
    void received(std::size_t count);
    void take_lines();
    void handle(std::string_view line);
    void call(const Request& request, const std::shared_ptr<Answer>& answer);
    [[nodiscard]] bool call_builtin(const Request& request, const std::shared_ptr<Answer>& answer);
    void run_in_worker(const Method& method, const Request& request, const std::shared_ptr<Answer>& answer);
    // For a request, whose answer is `answer`.
    [[nodiscard]] Call context(const Request& request, const std::shared_ptr<Answer>& answer);
    void answered(const std::shared_ptr<Answer>& answer, const std::optional<Json>& id, base::Result<Json> result);
    void add_response(const std::shared_ptr<Answer>& answer, Json response);
    void part_done(const std::shared_ptr<Answer>& answer);
    void send(Line line);
    void write();
    void write_enclosing();
    void written(std::size_t count);
    [[nodiscard]] bool may_take_more() const;

    Socket socket_;
    orchestrator::Caller caller_;
    const MethodTable& methods_;
    Workers& workers_;  // outlives the open socket
    Limits limits_;
    std::function<void(Connection&)> closed_;
    boost::asio::steady_timer stalled_;

    std::array<char, 16384> chunk_{};
    std::string input_;
    bool reading_ = false;
    bool input_ended_ = false;
    std::size_t calls_ = 0;  // under way

    std::deque<Line> output_;
    std::size_t output_size_ = 0;  // bytes in output_
    std::size_t written_ = 0;      // of its first line
    bool writing_ = false;
    bool subscribed_ = false;
    std::uint64_t missed_ = 0;
};

}  // namespace varve::rpc
