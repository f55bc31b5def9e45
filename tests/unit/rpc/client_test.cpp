// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/rpc_client/client.h"

#include "tests/unit/rpc/served.h"

#include <boost/asio/post.hpp>

#include <fcntl.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
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

TEST(RpcClient, GetsADescriptorWithItsAnswer) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    base::UniqueFd reading(ends[0]);
    const base::UniqueFd writing(ends[1]);
    MethodTable methods;
    const auto enclose = [&](const nlohmann::json& params, const Call& call) -> base::Result<nlohmann::json> {
        if (!call.enclose) return base::fail(base::Errc::Unsupported, "not here");
        call.enclose(base::UniqueFd(::dup(reading.get())));
        if (params.contains("fail")) return base::fail(base::Errc::Busy, "failed");
        return nlohmann::json{{"text", std::string(params.value("length", 0), 'x')}};
    };
    methods.add("get", Length::Long, enclose);
    methods.add("get.short", Length::Short, enclose);
    Served served(methods);
    auto client = Client::connect(served.path()).value();
    for (const auto* method : {"get", "get.short"}) {
        // Longer than what the socket takes at once, too.
        for (const int length : {0, 1 << 20}) {
            ASSERT_EQ(client.call(method, {{"length", length}}).value()["text"].get<std::string>().size(), std::size_t(length));
            const auto got = client.take_descriptor();
            ASSERT_TRUE(got.valid());
            EXPECT_EQ(::fcntl(got.get(), F_GETFD), FD_CLOEXEC);
            ASSERT_EQ(::write(writing.get(), "it", 2), 2);
            std::array<char, 2> text{};
            EXPECT_EQ(::read(got.get(), text.data(), text.size()), 2);
            EXPECT_EQ(std::string(text.data(), text.size()), "it");
            EXPECT_FALSE(client.take_descriptor().valid()) << "one answer, one descriptor";
        }
        EXPECT_EQ(client.call(method, {{"fail", true}}).error().code, base::Errc::Busy);
        EXPECT_FALSE(client.take_descriptor().valid()) << "what failed gives nothing";
    }
    auto raw = served.connect();
    raw.send(R"([{"jsonrpc":"2.0","id":1,"method":"get","params":{}}])"
             "\n");
    EXPECT_EQ(raw.json()[0]["error"]["data"]["code"], "unsupported");
    // Nobody holds the pipe but us: what was sent is not kept.
    reading.reset();
    (void)::signal(SIGPIPE, SIG_IGN);  // write(2) says it
    EXPECT_EQ(::write(writing.get(), "it", 2), -1);
    EXPECT_EQ(errno, EPIPE);
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
