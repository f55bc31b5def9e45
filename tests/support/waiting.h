// SPDX-License-Identifier: LGPL-2.1-or-later
// How long tests wait for what must come.
#pragma once

#include <chrono>
#include <thread>

namespace varve::test_support {

// Longer than anything takes on a machine that has other work, or that stood still for some seconds.
inline constexpr std::chrono::seconds patience{60};

// Whether it comes to hold. For what other programs and threads and the kernel do, of which nothing tells.
template <class Condition>
[[nodiscard]] bool eventually(const Condition& holds, std::chrono::seconds longest = patience) {
    const auto end = std::chrono::steady_clock::now() + longest;
    while (true) {
        const bool last = std::chrono::steady_clock::now() > end;  // before the look: time may pass in between
        if (holds()) return true;
        if (last) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

}  // namespace varve::test_support
