// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/failures.h"

#include <utility>

namespace varve::engine {

void Failures::add(FailedOperation failure) {
    const std::lock_guard lock(mutex_);
    kept_.push_back(std::move(failure));
    if (kept_.size() > capacity) kept_.pop_front();
}

std::vector<FailedOperation> Failures::all() const {
    const std::lock_guard lock(mutex_);
    return {kept_.begin(), kept_.end()};
}

}  // namespace varve::engine
