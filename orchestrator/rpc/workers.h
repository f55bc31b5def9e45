// SPDX-License-Identifier: LGPL-2.1-or-later
// Where long methods run: administrators do not wait for others, and no other user can take all.
#pragma once

#include "orchestrator/config/rights.h"
#include "orchestrator/rpc/limits.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>

namespace varve::rpc {

// Belongs to the thread that runs the io_context, which outlives it.
class Workers : public std::enable_shared_from_this<Workers> {
public:
    using Method = std::function<base::Result<nlohmann::json>()>;
    using Ended = std::function<void(base::Result<nlohmann::json> result)>;

    Workers(boost::asio::io_context& io, orchestrator::Rights rights, const Limits& limits);

    // Calls `method` in a worker when one is free, and then `ended` in the io_context's thread. Busy when the caller's user has too many that have not ended.
    [[nodiscard]] base::Result<> run(const orchestrator::Caller& caller, Method method, Ended ended);
    // Waits for all methods; `ended` may still be called. To be called before it goes.
    void join();

private:
    void post(boost::asio::thread_pool& workers, Method method, Ended ended);
    void forget_one(uid_t user);

    boost::asio::io_context& io_;
    orchestrator::Rights rights_;
    std::size_t most_of_a_user_;
    std::map<uid_t, std::size_t> unfinished_;  // of those who are no administrators
    boost::asio::thread_pool workers_;
    boost::asio::thread_pool administrators_;
};

}  // namespace varve::rpc
