// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/rpc/message.h"
#include "tests/unit/rpc/served.h"

#include <boost/asio/post.hpp>

#include <condition_variable>
#include <future>
#include <mutex>
#include <stdexcept>
#include <vector>

namespace varve::rpc::tests {
namespace {

// Long methods wait here until they are let go.
class Gate {
public:
    void enter() {
        std::unique_lock lock(mutex_);
        ++inside_;
        changed_.notify_all();
        changed_.wait_for(lock, std::chrono::milliseconds(patience), [&] { return open_; });
    }
    bool wait_for(int inside) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::milliseconds(patience), [&] { return inside_ >= inside; });
    }
    void open() {
        const std::scoped_lock lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }
    int inside() {
        const std::scoped_lock lock(mutex_);
        return inside_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int inside_ = 0;
    bool open_ = false;
};

class RpcServer : public testing::Test {
protected:
    RpcServer() {
        methods_.add("echo", Length::Short, [](const Json& params, const Call&) -> base::Result<Json> { return params; });
        methods_.add("who", Length::Short, [](const Json&, const Call& call) -> base::Result<Json> {
            return Json{{"uid", call.caller.uid}, {"pid", call.caller.pid}};
        });
        methods_.add("fail", Length::Long,
                     [](const Json&, const Call&) -> base::Result<Json> { return base::fail(base::Errc::Busy, "it runs"); });
        methods_.add("quick", Length::Long, [](const Json&, const Call&) -> base::Result<Json> { return Json{{"quick", true}}; });
        methods_.add("bug", Length::Long, [](const Json&, const Call&) -> base::Result<Json> { throw std::runtime_error("oops"); });
        methods_.add("slow", Length::Long, [this](const Json&, const Call& call) -> base::Result<Json> {
            call.notify("progress", {{"stage", "one"}});
            gate_.enter();
            return Json{{"done", true}};
        });
        methods_.add("large", Length::Short, [](const Json&, const Call&) -> base::Result<Json> {
            return Json{{"text", std::string(100000, 'x')}};
        });
    }
    ~RpcServer() override { gate_.open(); }

    static Json call(int id, std::string_view method, const Json& params = Json::object()) {
        return {{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}};
    }
    static std::string request(int id, std::string_view method, const Json& params = Json::object()) {
        return line_of(call(id, method, params));
    }
    static Json result(Json answer) { return answer.is_object() && answer.contains("result") ? answer["result"] : answer; }

    MethodTable methods_;
    Gate gate_;
};

TEST_F(RpcServer, AnswersAndKnowsWhoAsks) {
    Served served(methods_);
    auto client = served.connect();
    client.send(request(1, "echo", {{"a", 1}}));
    EXPECT_EQ(result(client.json()), Json({{"a", 1}}));
    client.send(request(2, "who"));
    EXPECT_EQ(result(client.json()), Json({{"uid", ::getuid()}, {"pid", ::getpid()}}));
}

TEST_F(RpcServer, ErrorsOfMethodsAndOfUnknownOnes) {
    Served served(methods_);
    auto client = served.connect();
    client.send(request(1, "fail"));
    EXPECT_EQ(client.json()["error"], Json({{"code", -32000}, {"message", "it runs"}, {"data", {{"code", "busy"}}}}));
    client.send(request(2, "nothing"));
    EXPECT_EQ(client.json()["error"]["code"], -32601);
    client.send(request(3, "bug"));
    EXPECT_EQ(client.json()["error"]["message"], "internal error: oops");
    client.send(request(4, "echo"));
    EXPECT_EQ(client.json()["id"], 4);
}

TEST_F(RpcServer, LinesInPiecesAndSeveralAtOnce) {
    Served served(methods_);
    auto client = served.connect();
    const auto one = request(1, "echo");
    client.send(one.substr(0, 10));
    client.send(one.substr(10) + "\n\r\n" + request(2, "echo"));
    EXPECT_EQ(client.json()["id"], 1);
    EXPECT_EQ(client.json()["id"], 2);
}

TEST_F(RpcServer, ABatchIsOneAnswer) {
    Served served(methods_);
    auto client = served.connect();
    client.send(line_of(Json::array({{{"jsonrpc", "2.0"}, {"id", 1}, {"method", "echo"}},
                                     {{"jsonrpc", "2.0"}, {"method", "echo"}},
                                     7,
                                     {{"jsonrpc", "2.0"}, {"id", 2}, {"method", "fail"}}})));
    const auto answer = client.json();
    ASSERT_TRUE(answer.is_array());
    EXPECT_EQ(answer.size(), 3U);
    // Only notifications: no answer at all.
    client.send("[{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}]\n" + request(9, "echo"));
    EXPECT_EQ(client.json()["id"], 9);
}

TEST_F(RpcServer, LongMethodsDoNotHoldUpShortOnesAndTellTheirProgress) {
    Served served(methods_);
    auto client = served.connect();
    client.send(request(1, "slow"));
    EXPECT_EQ(client.json()["params"], Json({{"stage", "one"}}));
    ASSERT_TRUE(gate_.wait_for(1));
    client.send(request(2, "echo"));
    EXPECT_EQ(client.json()["id"], 2);
    gate_.open();
    EXPECT_EQ(client.json()["id"], 1);
}

TEST_F(RpcServer, AClientThatLeavesDoesNotStopItsMethod) {
    Served served(methods_);
    auto client = served.connect();
    client.send(request(1, "slow"));
    ASSERT_TRUE(gate_.wait_for(1));
    client.close();
    gate_.open();
    auto other = served.connect();
    other.send(request(1, "echo"));
    EXPECT_EQ(other.json()["id"], 1);
}

TEST_F(RpcServer, WhoEndsItsInputStillGetsItsAnswers) {
    Served served(methods_);
    auto client = served.connect();
    client.send(request(1, "slow"));
    client.finish_sending();
    (void)client.line();  // the progress
    gate_.open();
    EXPECT_EQ(client.json()["id"], 1);
    EXPECT_EQ(client.line(), "");
}

TEST_F(RpcServer, AnEndlessLineEndsTheConnection) {
    Served served(methods_);
    auto client = served.connect();
    client.send(std::string(longest_request + 1, 'x'));
    EXPECT_EQ(client.json()["error"]["message"], "a request has at most 262144 bytes");
    EXPECT_EQ(client.line(), "");
}

TEST_F(RpcServer, OnlySoManyCallsAtATime) {
    Served served(methods_, {.calls = 2});
    auto client = served.connect();
    for (int i = 0; i < 5; ++i) client.send(request(i, "slow"));
    ASSERT_TRUE(gate_.wait_for(2));
    auto other = served.connect();
    other.send(request(1, "echo"));
    EXPECT_EQ(other.json()["id"], 1);  // by now a third would have come in
    EXPECT_EQ(gate_.inside(), 2);
    gate_.open();
    int answers = 0;
    while (answers < 5) answers += client.json().contains("id") ? 1 : 0;
}

TEST_F(RpcServer, WhoDoesNotReadIsNotReadFrom) {
    Served served(methods_, {.output = 200000});
    auto client = served.connect();
    const auto line = request(1, "large");
    constexpr std::size_t most = std::size_t{16} << 20;
    EXPECT_LT(client.send_all_that_fits(line, most), most);
    auto other = served.connect();
    other.send(request(2, "echo"));
    EXPECT_EQ(other.json()["id"], 2);
}

TEST_F(RpcServer, WhoNeverReadsIsLetGo) {
    Served served(methods_, {.output = 200000, .stalled = std::chrono::seconds(1)});
    auto client = served.connect();
    for (int i = 0; i < 10; ++i) client.send(request(i, "large"));
    EXPECT_TRUE(client.ends());
    std::size_t answers = 0;
    while (!client.line().empty()) ++answers;
    EXPECT_LT(answers, 10U);
}

TEST_F(RpcServer, ConnectionsHaveLimits) {
    Served served(methods_, {.connections = 2, .connections_for_administrators = 0});
    auto one = served.connect();
    auto two = served.connect();
    one.send(request(1, "echo"));
    two.send(request(1, "echo"));
    EXPECT_EQ(one.json()["id"], 1);
    EXPECT_EQ(two.json()["id"], 1);
    auto three = served.connect();
    EXPECT_EQ(three.json()["error"]["data"]["code"], "busy");
    EXPECT_EQ(three.line(), "");
    two.close();
    for (int tries = 0; tries < 100; ++tries) {  // until the server has noticed
        auto four = served.connect();
        four.send(request(4, "echo"));
        if (four.json().value("id", Json()) == 4) return;
    }
    FAIL() << "a place that was left was not given again";
}

TEST_F(RpcServer, SomeConnectionsAreForAdministratorsAlone) {
    Served served(methods_, {.connections = 5, .connections_for_administrators = 2, .connections_of_a_user = 2});
    std::vector<Raw> clients;
    const auto connects = [&](uid_t uid) {
        clients.push_back(served.connect_as(uid));
        clients.back().send(request(1, "who"));
        const auto answer = clients.back().json();
        if (!answer.contains("error")) return answer["result"]["uid"] == uid;
        EXPECT_EQ(answer["error"]["data"]["code"], "busy");
        EXPECT_EQ(answer["error"]["message"], "the orchestrator has too many connections; try again when some have ended");
        clients.pop_back();
        return false;
    };
    for (const uid_t uid : {1001U, 1001U, 1002U}) EXPECT_TRUE(connects(uid)) << uid;
    EXPECT_FALSE(connects(1003));
    EXPECT_TRUE(connects(0));
    EXPECT_TRUE(connects(0));
    EXPECT_FALSE(connects(0));
    // Administrators' do not count among the others'.
    clients.erase(clients.begin());
    EXPECT_TRUE(test_support::eventually([&] { return connects(1003); }));  // when the server has noticed
    EXPECT_FALSE(connects(1004));
}

TEST_F(RpcServer, AdministratorsHaveWorkersOfTheirOwn) {
    Served served(methods_, {.workers = 2, .workers_for_administrators = 1});
    auto one = served.connect_as(1001);
    auto two = served.connect_as(1002);
    for (int i = 0; i < 3; ++i) one.send(request(i, "slow"));
    for (int i = 0; i < 3; ++i) two.send(request(i, "slow"));
    ASSERT_TRUE(gate_.wait_for(2));
    auto administrator = served.connect_as(0);
    administrator.send(request(7, "quick"));
    EXPECT_EQ(result(administrator.json()), Json({{"quick", true}}));
    EXPECT_EQ(gate_.inside(), 2);
    gate_.open();
}

TEST_F(RpcServer, AUserHasOnlySoManyLongMethodsUnderWay) {
    Served served(methods_, {.workers = 4, .long_methods_of_a_user = 2});
    const auto busy = [](const Json& answer) {
        return answer.is_object() && answer.value("error", Json()) ==
                                         Json({{"code", -32000},
                                               {"message", "2 of your requests that take long are under way; try again when one has ended"},
                                               {"data", {{"code", "busy"}}}});
    };
    auto one = served.connect_as(1001);
    auto same = served.connect_as(1001);
    one.send(request(1, "slow"));
    same.send(request(1, "slow"));
    (void)same.line();  // the progress
    ASSERT_TRUE(gate_.wait_for(2));
    same.send(request(2, "slow"));
    EXPECT_TRUE(busy(same.json()));
    same.send(line_of(Json::array({call(3, "slow"), call(4, "quick")})));
    for (const auto& answer : same.json()) EXPECT_TRUE(busy(answer)) << answer;
    // What answers from memory is for everybody, and so is the rest of the workers.
    same.send(request(5, "echo"));
    EXPECT_EQ(same.json()["id"], 5);
    auto other = served.connect_as(1002);
    other.send(request(1, "quick"));
    EXPECT_EQ(result(other.json()), Json({{"quick", true}}));
    // His client's leaving ends no method.
    one.close();
    auto third = served.connect_as(1001);
    third.send(request(1, "quick"));
    EXPECT_TRUE(busy(third.json()));
    gate_.open();
    EXPECT_EQ(same.json()["id"], 1);
    for (int i = 0; i < 3; ++i) {  // one after the other, each in the place of the one before
        same.send(request(6, "quick"));
        EXPECT_EQ(result(same.json()), Json({{"quick", true}}));
    }
    // Both have ended, also the one whose client has left.
    EXPECT_TRUE(test_support::eventually([&] {
        third.send(line_of(Json::array({call(1, "quick"), call(2, "quick")})));
        return std::ranges::all_of(third.json(), [](const Json& answer) { return answer.contains("result"); });
    }));
}

TEST_F(RpcServer, EventsReachSubscribersWhoMaySeeThem) {
    Served served(methods_);
    auto subscriber = served.connect();
    auto other = served.connect();
    subscriber.send(request(1, "events.subscribe"));
    EXPECT_EQ(result(subscriber.json()), Json({{"subscribed", true}}));
    const auto everyone = [](const orchestrator::Caller&) { return true; };
    const auto nobody = [](const orchestrator::Caller&) { return false; };
    served.server().publish("vm.event", {{"vm", "secret"}}, nobody);
    served.server().publish("vm.event", {{"vm", "work"}}, everyone);
    EXPECT_EQ(subscriber.json()["params"], Json({{"vm", "work"}}));
    other.send(request(2, "echo"));
    EXPECT_EQ(other.json()["id"], 2);
    subscriber.send(request(3, "events.unsubscribe"));
    EXPECT_EQ(subscriber.json()["id"], 3);
    served.server().publish("vm.event", {{"vm", "work"}}, everyone);
    subscriber.send(request(4, "echo"));
    EXPECT_EQ(subscriber.json()["id"], 4);
}

TEST_F(RpcServer, ASlowSubscriberIsToldHowManyItMissed) {
    Served served(methods_, {.output = 100000});
    auto subscriber = served.connect();
    subscriber.send(request(1, "events.subscribe"));
    (void)subscriber.line();
    constexpr int sent = 500;
    for (int i = 0; i < sent; ++i)
        served.server().publish("vm.event", {{"text", std::string(10000, 'x')}}, [](const orchestrator::Caller&) { return true; });
    int seen = 0;
    int missed = 0;
    while (seen + missed < sent) {
        const auto event = subscriber.json();
        ASSERT_TRUE(event.is_object());
        if (event["method"] == "events.missed")
            missed += event["params"]["count"].get<int>();
        else
            ++seen;
    }
    EXPECT_EQ(seen + missed, sent);
    EXPECT_GT(missed, 0);
}

TEST_F(RpcServer, RubbishFromManyDoesNotDisturbOthers) {
    Served served(methods_);
    for (const auto* rubbish : {"\n\n\n", "{}\n", "\xff\xfe\n", "[[[[[[\n", "GET / HTTP/1.0\r\n\r\n",
                                "{\"jsonrpc\":\"2.0\",\"id\":1e400,\"method\":\"echo\"}\n"}) {
        auto hostile = served.connect();
        hostile.send(rubbish);
    }
    auto client = served.connect();
    client.send(request(1, "echo"));
    EXPECT_EQ(client.json()["id"], 1);
}

}  // namespace
}  // namespace varve::rpc::tests
