// SPDX-License-Identifier: LGPL-2.1-or-later
// The loop of the orchestrator, with workers of its own.
#pragma once

#include "orchestrator/preloading/loop.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

namespace varve::preloading {

class AsioLoop final : public Loop {
public:
    // The io_context outlives it, and is run by one thread.
    explicit AsioLoop(boost::asio::io_context& io) : io_(io), timer_(io) {}
    ~AsioLoop() override { stop(); }
    AsioLoop(const AsioLoop&) = delete;
    AsioLoop& operator=(const AsioLoop&) = delete;

    [[nodiscard]] Instant now() const override { return std::chrono::steady_clock::now(); }
    void post(Task task) override;
    void wake_at(std::optional<Instant> time, Task task) override;
    void work(Work kind, Task task) override;
    void stop() final;

private:
    static constexpr std::size_t short_workers = 4;
    static constexpr std::size_t long_workers = 6;

    boost::asio::io_context& io_;
    boost::asio::steady_timer timer_;
    boost::asio::thread_pool short_{short_workers};
    boost::asio::thread_pool long_{long_workers};
};

}  // namespace varve::preloading
