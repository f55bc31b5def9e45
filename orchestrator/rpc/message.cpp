// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/rpc/message.h"

#include <algorithm>

namespace varve::rpc {
namespace {

Message refused(Code code, std::string_view why) { return {false, {failure(nullptr, code, why)}}; }

bool is_id(const Json& id) { return id.is_string() || id.is_number() || id.is_null(); }

std::variant<Request, Json> request_of(Json& value) {
    if (!value.is_object()) return failure(nullptr, Code::InvalidRequest, "a request is an object");
    const auto id = value.find("id");
    if (id != value.end() && !is_id(*id)) return failure(nullptr, Code::InvalidRequest, "'id' is a string, a number or null");
    const Json answered = id == value.end() ? Json() : *id;
    const auto version = value.find("jsonrpc");
    if (version == value.end() || *version != "2.0") return failure(answered, Code::InvalidRequest, "'jsonrpc' must be \"2.0\"");
    const auto method = value.find("method");
    if (method == value.end() || !method->is_string()) return failure(answered, Code::InvalidRequest, "'method' must be a string");
    const auto params = value.find("params");
    if (params != value.end() && !params->is_object())
        return failure(answered, Code::InvalidParameters, "parameters are given by name: 'params' must be an object");
    Request request{method->get<std::string>(), params == value.end() ? Json::object() : std::move(*params), std::nullopt};
    if (id != value.end()) request.id = answered;
    return request;
}

// The value, or a discarded one for what is no JSON; `too_deep` says of what nests too deeply.
Json parsed(std::string_view line, bool& too_deep) {
    const auto watch_depth = [&](int depth, Json::parse_event_t, Json&) {
        too_deep = too_deep || depth > deepest_nesting;
        return !too_deep;  // what is refused is not built
    };
    return Json::parse(line, watch_depth, false);
}

}  // namespace

Message parse_message(std::string_view line) {
    bool too_deep = false;
    Json value = parsed(line, too_deep);
    if (too_deep) return refused(Code::InvalidRequest, "the request nests more than 32 levels deep");
    if (value.is_discarded()) return refused(Code::Parse, "the line is not JSON");
    Message message;
    if (!value.is_array()) {
        message.parts.push_back(request_of(value));
        return message;
    }
    if (value.empty()) return refused(Code::InvalidRequest, "the batch is empty");
    if (value.size() > largest_batch) return refused(Code::InvalidRequest, "a batch has at most 64 requests");
    message.batch = true;
    message.parts.reserve(value.size());
    for (auto& each : value) message.parts.push_back(request_of(each));
    return message;
}

Json success(const Json& id, Json result) { return {{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}}; }

Json failure(const Json& id, Code code, std::string_view message) {
    return {{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", static_cast<int>(code)}, {"message", message}}}};
}

Json failure(const Json& id, const base::Error& error) {
    const bool parameters = error.code == base::Errc::InvalidArgument || error.code == base::Errc::InvalidName;
    auto answer = failure(id, parameters ? Code::InvalidParameters : Code::Failed, error.message());
    answer["error"]["data"] = {{"code", base::name_of(error.code)}};
    return answer;
}

Json notification(std::string_view method, Json params) { return {{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}}; }

std::string line_of(const Json& message) { return message.dump(-1, ' ', true, Json::error_handler_t::replace) + '\n'; }

}  // namespace varve::rpc
