// SPDX-License-Identifier: LGPL-2.1-or-later
// Which sessions this process has started: the answer where the file system keeps no marks.
#pragma once

#include "drivers/api/view.h"

#include <mutex>
#include <set>

namespace varve::images {

// Images are known by their identity. One that was started here is never left dirty by an earlier boot, so nothing is ever taken out. Thread-safe.
class StartedImages {
public:
    void add(const api::Identity& image) {
        const std::lock_guard lock(mutex_);
        images_.insert(image);
    }
    [[nodiscard]] bool contains(const api::Identity& image) const {
        const std::lock_guard lock(mutex_);
        return images_.contains(image);
    }

private:
    mutable std::mutex mutex_;
    std::set<api::Identity> images_;
};

}  // namespace varve::images
