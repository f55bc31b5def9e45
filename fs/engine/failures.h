// SPDX-License-Identifier: LGPL-2.1-or-later
// The last failed operations, with the reason in words: what `.varve/errors` shows.
#pragma once

#include "drivers/base/error.h"
#include "drivers/base/timestamp.h"

#include <sys/types.h>

#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace varve::engine {

struct FailedOperation {
    base::Timestamp time;
    pid_t process = 0;  // 0: unknown, the process lives in another pid namespace, or the daemon itself failed
    uid_t user = 0;
    std::string operation;
    std::string path;  // below the mountpoint
    base::Error error;
};

// Thread-safe. Keeps the newest `capacity`.
class Failures {
public:
    static constexpr std::size_t capacity = 1000;

    void add(FailedOperation failure);
    [[nodiscard]] std::vector<FailedOperation> all() const;  // oldest first

private:
    mutable std::mutex mutex_;
    std::deque<FailedOperation> kept_;
};

}  // namespace varve::engine
