// SPDX-License-Identifier: LGPL-2.1-or-later
// Requests to the orchestrator: any line gives requests or answers that say why not, and every answer is one line of ASCII.
#include "orchestrator/rpc/message.h"
#include "tests/fuzz/require.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace varve::fuzz {
namespace {

void is_a_line(const std::string& line) {
    require(line.ends_with('\n') && std::ranges::count(line, '\n') == 1, "an answer is one line");
    require(std::ranges::all_of(line, [](char c) { return c > 0; }), "an answer is ASCII");
}

void check(const rpc::Request& request) {
    require(request.params.is_object(), "parameters are an object");
    if (!request.id) return;
    const auto answer = rpc::success(*request.id, request.params);
    is_a_line(rpc::line_of(answer));
    require(rpc::Json::parse(rpc::line_of(answer), nullptr, false).is_object(), "an answer is JSON");
}

void check(const rpc::Json& refusal) {
    require(refusal.contains("id") && refusal.at("error").at("message").is_string(), "a refusal says why");
    is_a_line(rpc::line_of(refusal));
}

}  // namespace
}  // namespace varve::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto message = varve::rpc::parse_message({reinterpret_cast<const char*>(data), size});
    varve::fuzz::require(!message.parts.empty(), "every line is answered or a request");
    varve::fuzz::require(message.parts.size() <= varve::rpc::largest_batch, "batches are limited");
    for (const auto& part : message.parts) std::visit([](const auto& each) { varve::fuzz::check(each); }, part);
    return 0;
}
