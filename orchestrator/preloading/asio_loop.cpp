// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/preloading/asio_loop.h"

#include <boost/asio/post.hpp>

#include <utility>

namespace varve::preloading {

void AsioLoop::stop() {
    short_.stop();
    long_.stop();
    short_.join();
    long_.join();
}

void AsioLoop::post(Task task) { boost::asio::post(io_, std::move(task)); }

void AsioLoop::wake_at(std::optional<Instant> time, Task task) {
    timer_.cancel();
    if (!time) return;
    timer_.expires_at(*time);
    timer_.async_wait([task = std::move(task)](boost::system::error_code error) {
        if (!error) task();
    });
}

void AsioLoop::work(Work kind, Task task) { boost::asio::post(kind == Work::Short ? short_ : long_, std::move(task)); }

}  // namespace varve::preloading
