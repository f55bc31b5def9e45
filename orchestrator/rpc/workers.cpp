// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/rpc/workers.h"

#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>

#include <string>
#include <utility>

namespace varve::rpc {

namespace asio = boost::asio;
using base::Result;
using Json = nlohmann::json;

Workers::Workers(asio::io_context& io, orchestrator::Rights rights, const Limits& limits)
    : io_(io),
      rights_(std::move(rights)),
      most_of_a_user_(limits.long_methods_of_a_user),
      workers_(limits.workers),
      administrators_(limits.workers_for_administrators) {}

Result<> Workers::run(const orchestrator::Caller& caller, Method method, Ended ended) {
    if (rights_.is_administrator(caller)) {
        post(administrators_, std::move(method), std::move(ended));
        return {};
    }
    auto& unfinished = unfinished_[caller.uid];
    if (unfinished >= most_of_a_user_)
        return base::fail(base::Errc::Busy,
                          std::to_string(unfinished) + " of your requests that take long are under way; try again when one has ended");
    ++unfinished;
    post(workers_, std::move(method), [this, user = caller.uid, ended = std::move(ended)](Result<Json> result) {
        forget_one(user);  // first: who has the answer may ask again
        ended(std::move(result));
    });
    return {};
}

void Workers::post(asio::thread_pool& workers, Method method, Ended ended) {
    // join() keeps it until `method` has ended; the io_context may come to the rest when everybody else has let go of it.
    asio::post(workers, [this, method = std::move(method), ended = std::move(ended)]() mutable {
        asio::post(io_, [self = shared_from_this(), ended = std::move(ended), result = method()]() mutable { ended(std::move(result)); });
    });
}

void Workers::forget_one(uid_t user) {
    const auto unfinished = unfinished_.find(user);
    if (--unfinished->second == 0) unfinished_.erase(unfinished);
}

void Workers::join() {
    workers_.join();
    administrators_.join();
}

}  // namespace varve::rpc
