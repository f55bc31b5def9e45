// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/rpc/connection.h"

#include "orchestrator/rpc/descriptor.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>

#include <cerrno>
#include <exception>
#include <utility>

namespace varve::rpc {

namespace asio = boost::asio;
using base::Result;
using boost::system::error_code;

// The answer to one line, until all of its requests are done.
struct Connection::Answer {
    bool batch = false;
    std::size_t open = 0;
    Json responses = Json::array();
    base::UniqueFd enclosed = {};  // of a method that has ended: no two threads have it
};

namespace {

// The one place where an exception of a method, which is a bug, becomes an answer.
Result<Json> run(const Handler& handler, const Json& params, const Call& call) {
    try {
        return handler(params, call);
    } catch (const std::exception& bug) {
        return base::fail(base::Errc::Io, std::string("internal error: ") + bug.what());
    }
}

}  // namespace

Connection::Connection(Socket socket, orchestrator::Caller caller, const MethodTable& methods, Workers& workers, Limits limits,
                       std::function<void(Connection&)> closed)
    : socket_(std::move(socket)),
      caller_(std::move(caller)),
      methods_(methods),
      workers_(workers),
      limits_(limits),
      closed_(std::move(closed)),
      stalled_(socket_.get_executor()) {}

void Connection::close() {
    if (!socket_.is_open()) return;
    error_code ignored;  // it is over either way
    socket_.close(ignored);
    stalled_.cancel();
    closed_(*this);
}

bool Connection::may_take_more() const { return calls_ < limits_.calls && output_size_ < limits_.output; }

// Reads on, unless too much is under way; ends when nothing is left to do.
void Connection::read_or_end() {
    if (!socket_.is_open() || reading_) return;
    if (input_ended_) {
        if (calls_ == 0 && output_.empty()) close();
        return;
    }
    if (!may_take_more()) return;
    reading_ = true;
    socket_.async_read_some(asio::buffer(chunk_), [self = shared_from_this()](error_code error, std::size_t count) {
        self->reading_ = false;
        if (error == asio::error::eof) {
            self->input_ended_ = true;
            return self->take_lines();
        }
        if (error) return self->close();
        self->received(count);
    });
}

void Connection::received(std::size_t count) {
    input_.append(chunk_.data(), count);
    take_lines();
}

void Connection::take_lines() {
    std::size_t begin = 0;
    while (socket_.is_open() && may_take_more()) {
        const auto end = input_.find('\n', begin);
        const auto length = (end == std::string::npos ? input_.size() : end) - begin;
        if (length > longest_request) {
            input_.clear();
            begin = 0;
            input_ended_ = true;  // where the next request begins cannot be known
            send({line_of(failure(nullptr, Code::InvalidRequest, "a request has at most 262144 bytes"))});
            break;
        }
        if (end == std::string::npos) break;
        const auto line = input_.substr(begin, length);
        begin = end + 1;
        if (line.find_first_not_of(" \t\r") != std::string::npos) handle(line);
    }
    input_.erase(0, begin);
    read_or_end();
}

void Connection::handle(std::string_view line) {
    auto message = parse_message(line);
    auto answer = std::make_shared<Answer>();
    answer->batch = message.batch;
    answer->open = message.parts.size();
    calls_ += message.parts.size();
    for (auto& part : message.parts) {
        if (const auto* request = std::get_if<Request>(&part))
            call(*request, answer);
        else
            add_response(answer, std::move(std::get<Json>(part)));
    }
}

bool Connection::call_builtin(const Request& request, const std::shared_ptr<Answer>& answer) {
    if (request.method != "events.subscribe" && request.method != "events.unsubscribe") return false;
    subscribed_ = request.method == "events.subscribe";
    answered(answer, request.id, Json{{"subscribed", subscribed_}});
    return true;
}

void Connection::call(const Request& request, const std::shared_ptr<Answer>& answer) {
    if (call_builtin(request, answer)) return;
    const auto* method = methods_.find(request.method);
    if (method == nullptr) {
        if (!request.id) return part_done(answer);
        return add_response(answer, failure(*request.id, Code::UnknownMethod, "there is no such method"));
    }
    if (method->length == Length::Long) return run_in_worker(*method, request, answer);
    answered(answer, request.id, run(method->handler, request.params, context(request, answer)));
}

void Connection::run_in_worker(const Method& method, const Request& request, const std::shared_ptr<Answer>& answer) {
    const auto taken = workers_.run(
        caller_,
        [self = shared_from_this(), &method, request, call = context(request, answer)] {
            return run(method.handler, request.params, call);
        },
        [self = shared_from_this(), answer, id = request.id](Result<Json> result) { self->answered(answer, id, std::move(result)); });
    if (!taken) answered(answer, request.id, base::Failure(taken.error()));
}

Call Connection::context(const Request& request, const std::shared_ptr<Answer>& answer) {
    Call call{caller_, [weak = weak_from_this(), executor = socket_.get_executor()](std::string_view method, const Json& params) {
                  asio::post(executor, [weak, line = line_of(notification(method, params))] {
                      if (const auto self = weak.lock()) self->send_event(line);
                  });
              }};
    if (request.id && !answer->batch) call.enclose = [answer](base::UniqueFd descriptor) { answer->enclosed = std::move(descriptor); };
    return call;
}

void Connection::answered(const std::shared_ptr<Answer>& answer, const std::optional<Json>& id, Result<Json> result) {
    if (!id) return part_done(answer);
    if (!result) answer->enclosed.reset();
    add_response(answer, result ? success(*id, *std::move(result)) : failure(*id, result.error()));
}

void Connection::add_response(const std::shared_ptr<Answer>& answer, Json response) {
    answer->responses.push_back(std::move(response));
    part_done(answer);
}

void Connection::part_done(const std::shared_ptr<Answer>& answer) {
    --calls_;
    if (--answer->open > 0) return;
    if (answer->batch && !answer->responses.empty()) send({line_of(answer->responses)});
    if (!answer->batch && !answer->responses.empty()) send({line_of(answer->responses.front()), std::move(answer->enclosed)});
    // Lines that wait in input_ may be taken now, but not in the middle of taking one.
    asio::post(socket_.get_executor(), [self = shared_from_this()] { self->take_lines(); });
}

void Connection::send_event(const std::string& line) {
    if (output_size_ + line.size() > limits_.output) {
        ++missed_;
        return;
    }
    send({line});
}

void Connection::send(Line line) {
    if (!socket_.is_open()) return;
    output_size_ += line.text.size();
    output_.push_back(std::move(line));
    if (!writing_) write();
}

void Connection::write() {
    writing_ = true;
    stalled_.expires_after(limits_.stalled);
    stalled_.async_wait([weak = weak_from_this()](error_code error) {
        const auto self = weak.lock();
        if (!error && self) self->close();
    });
    if (output_.front().enclosed.valid()) return write_enclosing();
    const auto rest = asio::buffer(output_.front().text) + written_;
    socket_.async_write_some(rest, [self = shared_from_this()](error_code error, std::size_t count) {
        self->writing_ = false;
        self->stalled_.cancel();
        if (error) return self->close();
        self->written(count);
    });
}

void Connection::write_enclosing() {
    socket_.async_wait(Socket::wait_write, [self = shared_from_this()](error_code error) {
        if (error || !self->socket_.is_open()) return self->close();
        auto& line = self->output_.front();
        const auto count = send_with_descriptor(self->socket_.native_handle(), line.text, line.enclosed);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) return self->write_enclosing();
        self->writing_ = false;
        self->stalled_.cancel();
        if (count < 0) return self->close();
        line.enclosed.reset();  // the reader has one of his own now
        self->written(static_cast<std::size_t>(count));
    });
}

void Connection::written(std::size_t count) {
    written_ += count;
    if (written_ == output_.front().text.size()) {
        output_size_ -= written_;
        output_.pop_front();
        written_ = 0;
    }
    // Half, so that a slow reader is told about many at a time.
    if (missed_ > 0 && output_size_ < limits_.output / 2) {
        auto line = line_of(notification("events.missed", {{"count", std::exchange(missed_, 0)}}));
        output_size_ += line.size();
        output_.push_back({std::move(line)});
    }
    if (!output_.empty()) write();
    take_lines();
}

}  // namespace varve::rpc
