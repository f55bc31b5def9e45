// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/rpc/message.h"

#include <gtest/gtest.h>

namespace varve::rpc {
namespace {

// "code: message" of a line that is refused as a whole.
std::string refusal(std::string_view line) {
    const auto message = parse_message(line);
    if (message.parts.size() != 1 || !std::holds_alternative<Json>(message.parts[0])) return "accepted";
    const auto& error = std::get<Json>(message.parts[0]).at("error");
    return error.at("code").dump() + ": " + error.at("message").get<std::string>();
}

TEST(RpcMessage, ARequest) {
    const auto message = parse_message(R"({"jsonrpc":"2.0","id":7,"method":"vm.start","params":{"vm":"work"}})");
    ASSERT_EQ(message.parts.size(), 1U);
    EXPECT_FALSE(message.batch);
    const auto& request = std::get<Request>(message.parts[0]);
    EXPECT_EQ(request.method, "vm.start");
    EXPECT_EQ(request.params.at("vm"), "work");
    EXPECT_EQ(*request.id, 7);
}

TEST(RpcMessage, ANotificationHasNoId) {
    const auto message = parse_message(R"({"jsonrpc":"2.0","method":"x"})");
    const auto& request = std::get<Request>(message.parts.at(0));
    EXPECT_FALSE(request.id);
    EXPECT_TRUE(request.params.is_object());
}

TEST(RpcMessage, ABatchKeepsWhatIsGood) {
    const auto message = parse_message(R"([{"jsonrpc":"2.0","id":"a","method":"x"},1,{"jsonrpc":"2.0","id":"b","method":"y"}])");
    EXPECT_TRUE(message.batch);
    ASSERT_EQ(message.parts.size(), 3U);
    EXPECT_TRUE(std::holds_alternative<Request>(message.parts[0]));
    EXPECT_EQ(std::get<Json>(message.parts[1]).at("error").at("code"), -32600);
    EXPECT_EQ(std::get<Request>(message.parts[2]).method, "y");
}

TEST(RpcMessage, WhatIsNoRequestIsAnswered) {
    EXPECT_EQ(refusal("{"), "-32700: the line is not JSON");
    EXPECT_EQ(refusal(""), "-32700: the line is not JSON");
    EXPECT_EQ(refusal("{\"jsonrpc\":\"2.0\",\"method\":\"\xff\"}"), "-32700: the line is not JSON");
    EXPECT_EQ(refusal("[]"), "-32600: the batch is empty");
    EXPECT_EQ(refusal("1"), "-32600: a request is an object");
    EXPECT_EQ(refusal("{}"), "-32600: 'jsonrpc' must be \"2.0\"");
    EXPECT_EQ(refusal(R"({"jsonrpc":"1.0","method":"x"})"), "-32600: 'jsonrpc' must be \"2.0\"");
    EXPECT_EQ(refusal(R"({"jsonrpc":"2.0","method":1})"), "-32600: 'method' must be a string");
    EXPECT_EQ(refusal(R"({"jsonrpc":"2.0","method":"x","id":{}})"), "-32600: 'id' is a string, a number or null");
    EXPECT_EQ(refusal(R"({"jsonrpc":"2.0","method":"x","params":[1]})"),
              "-32602: parameters are given by name: 'params' must be an object");
}

TEST(RpcMessage, DepthAndBatchesHaveLimits) {
    EXPECT_EQ(refusal(std::string(100000, '[')), "-32600: the request nests more than 32 levels deep");
    EXPECT_EQ(refusal(std::string(100000, '[') + std::string(100000, ']')), "-32600: the request nests more than 32 levels deep");
    std::string batch = "[";
    for (int i = 0; i < 65; ++i) batch += i == 0 ? "1" : ",1";
    EXPECT_EQ(refusal(batch + "]"), "-32600: a batch has at most 64 requests");
}

TEST(RpcMessage, ErrorsSayTheirKind) {
    const auto busy = failure(1, base::Error{base::Errc::Busy, {}, "it runs"});
    EXPECT_EQ(line_of(busy),
              "{\"error\":{\"code\":-32000,\"data\":{\"code\":\"busy\"},\"message\":\"it runs\"},\"id\":1,\"jsonrpc\":\"2.0\"}\n");
    EXPECT_EQ(failure(1, base::Error{base::Errc::InvalidName, {}, "x"}).at("error").at("code"), -32602);
}

TEST(RpcMessage, LinesAreAsciiWithoutNewlines) {
    const auto line = line_of(notification("x", {{"a", "\n\xff\xc3\xa9"}}));
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    for (const char c : line) EXPECT_GT(c, 0);
}

}  // namespace
}  // namespace varve::rpc
