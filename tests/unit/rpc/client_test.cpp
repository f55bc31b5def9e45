// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/rpc_client/client.h"

#include "tests/unit/rpc/served.h"

#include <boost/asio/post.hpp>

#include <atomic>
#include <future>

namespace varve::rpc::tests {
namespace {

using rpc_client::Client;

TEST(RpcClient, CallsAndHearsProgress) {
    MethodTable methods;
    methods.add("go", Length::Long, [](const nlohmann::json& params, const Call& call) -> base::Result<nlohmann::json> {
        call.notify("progress", {{"n", 1}});
        return params;
    });
    Served served(methods);
    auto client = Client::connect(served.path()).value();
    int told = 0;
    const auto answer = client.call("go", {{"a", "b"}}, [&](std::string_view method, const nlohmann::json& params) {
        EXPECT_EQ(method, "progress");
        told += params["n"].get<int>();
    });
    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_EQ(*answer, nlohmann::json({{"a", "b"}}));
    EXPECT_EQ(told, 1);
}

TEST(RpcClient, ErrorsKeepTheirKind) {
    MethodTable methods;
    methods.add("go", Length::Short, [](const nlohmann::json&, const Call&) -> base::Result<nlohmann::json> {
        return base::fail(base::Errc::NotFound, "there is no VM 'x'");
    });
    Served served(methods);
    auto client = Client::connect(served.path()).value();
    const auto answer = client.call("go", nlohmann::json::object());
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, base::Errc::NotFound);
    EXPECT_EQ(answer.error().message(), "there is no VM 'x'");
}

TEST(RpcClient, NobodyThere) {
    const auto client = Client::connect("/nonexistent/socket");
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, base::Errc::NotFound);
}

TEST(RpcClient, DeadlinesAndSignals) {
    std::promise<void> leave;
    auto left = leave.get_future().share();
    MethodTable methods;
    methods.add("hang", Length::Long, [left](const nlohmann::json&, const Call&) -> base::Result<nlohmann::json> {
        left.wait();
        return nlohmann::json::object();
    });
    Served served(methods);
    auto client = Client::connect(served.path()).value();
    client.set_patience(std::chrono::milliseconds(50));
    EXPECT_EQ(client.call("hang", nlohmann::json::object()).error().code, base::Errc::TimedOut);
    auto other = Client::connect(served.path()).value();
    other.set_interrupted([] { return true; });
    EXPECT_EQ(other.call("hang", nlohmann::json::object()).error().code, base::Errc::Interrupted);
    leave.set_value();
}

TEST(RpcClient, AnswersThatAreNone) {
    const auto directory = fresh_directory();
    const auto listening = bind_socket(directory / "s").value();
    for (const auto* text : {"rubbish\n", "[]\n", "{\"id\":1}\n", ""}) {
        auto client = Client::connect(directory / "s").value();
        const base::UniqueFd peer(::accept(listening.get(), nullptr, nullptr));
        ASSERT_GE(::send(peer.get(), text, std::string_view(text).size(), MSG_NOSIGNAL), 0);
        (void)::shutdown(peer.get(), SHUT_WR);
        EXPECT_FALSE(client.call("x", nlohmann::json::object())) << text;
    }
    std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace varve::rpc::tests
