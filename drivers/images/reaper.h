// SPDX-License-Identifier: LGPL-2.1-or-later
// Closes the last descriptor of removed files in the background: only then does the file system free their extents, which takes time
// linear in their number, and nobody shall wait for it.
#pragma once

#include "drivers/base/unique_fd.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace varve::images {

// Thread-safe. Its lock is the innermost: nothing else is taken or called under it. A crash before the closing loses nothing: the
// file system frees files without a name when it is mounted.
class Reaper {
public:
    Reaper();
    ~Reaper();  // closes what is left and joins its thread
    Reaper(const Reaper&) = delete;
    Reaper& operator=(const Reaper&) = delete;

    // Takes the descriptor at once; closes it here when too many wait already.
    void bury(base::UniqueFd file);

private:
    void run();

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<base::UniqueFd> waiting_;
    bool ending_ = false;
    std::thread thread_;
};

}  // namespace varve::images
