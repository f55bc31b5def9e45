// SPDX-License-Identifier: LGPL-2.1-or-later
// The kernel's backing files, counted.
#pragma once

#include "fs/fuse/backing_files.h"

#include <mutex>
#include <set>

namespace varve::fakes {

class CountingBackingFiles final : public fuse::BackingFiles {
public:
    [[nodiscard]] base::Result<fuse::BackingId> open(int) override {
        const std::lock_guard lock(mutex_);
        if (failure_ != 0) return base::fail_errno(failure_, "the kernel refused the file for passthrough");
        ++opened_;
        return fuse::BackingId{*open_.insert(++last_).first};
    }
    void close(fuse::BackingId id) override {
        const std::lock_guard lock(mutex_);
        closed_twice_ = closed_twice_ || open_.erase(id.value) == 0;
    }

    // From now on opening fails with this errno; 0: it succeeds.
    void fail_with(int number) {
        const std::lock_guard lock(mutex_);
        failure_ = number;
    }
    // How many are open now, and how many ever were.
    [[nodiscard]] std::size_t open_now() const {
        const std::lock_guard lock(mutex_);
        return open_.size();
    }
    [[nodiscard]] int opened() const {
        const std::lock_guard lock(mutex_);
        return opened_;
    }
    [[nodiscard]] bool closed_twice() const {
        const std::lock_guard lock(mutex_);
        return closed_twice_;
    }

private:
    mutable std::mutex mutex_;
    std::set<std::int32_t> open_;
    std::int32_t last_ = 0;
    int opened_ = 0;
    int failure_ = 0;
    bool closed_twice_ = false;
};

}  // namespace varve::fakes
