// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/control/parallel.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

namespace varve::control {

void for_each_parallel(std::size_t count, const std::function<void(std::size_t)>& work) {
    constexpr std::size_t most_threads = 8;
    std::atomic<std::size_t> next = 0;
    const auto work_on = [&] {
        for (auto index = next++; index < count; index = next++) work(index);
    };
    std::vector<std::jthread> helpers;
    try {
        while (helpers.size() + 1 < std::min(count, most_threads)) helpers.emplace_back(work_on);
    } catch (const std::system_error&) {
        // No more threads to be had: those there are, and this one, do it all.
    }
    work_on();
}

}  // namespace varve::control
