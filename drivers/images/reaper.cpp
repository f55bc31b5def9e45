// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/images/reaper.h"

#include <utility>

namespace varve::images {

Reaper::Reaper() : thread_([this] { run(); }) {}

Reaper::~Reaper() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void Reaper::bury(base::UniqueFd file) {
    constexpr std::size_t most_waiting = 64;  // descriptors are few
    {
        const std::lock_guard lock(mutex_);
        if (waiting_.size() < most_waiting) waiting_.push_back(std::move(file));
    }
    wake_.notify_one();
}

void Reaper::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        wake_.wait(lock, [&] { return ending_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        auto files = std::exchange(waiting_, {});
        lock.unlock();
        files.clear();
        lock.lock();
    }
}

}  // namespace varve::images
