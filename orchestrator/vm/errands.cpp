// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/errands.h"

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <utility>

namespace varve::vm {

class Errands::Pool {
public:
    explicit Pool(std::size_t threads) : pool_(threads) {}
    ~Pool() {
        pool_.stop();
        pool_.join();
    }
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    void post(std::function<void()> errand) { boost::asio::post(pool_, std::move(errand)); }

private:
    boost::asio::thread_pool pool_;
};

Errands::Errands(std::size_t threads) : pool_(std::make_unique<Pool>(threads)) {}
Errands::~Errands() = default;

void Errands::post(std::function<void()> errand) { pool_->post(std::move(errand)); }

}  // namespace varve::vm
