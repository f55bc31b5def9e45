// SPDX-License-Identifier: LGPL-2.1-or-later
// The same work on several volumes at once.
#pragma once

#include <cstddef>
#include <functional>

namespace varve::control {

// Runs work(0) ... work(count - 1), a bounded number at a time, and returns when all are done. `work` does not throw.
void for_each_parallel(std::size_t count, const std::function<void(std::size_t)>& work);

}  // namespace varve::control
