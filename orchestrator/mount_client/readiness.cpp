// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/readiness.h"

#include <poll.h>

#include <cerrno>

namespace varve::mount_client {

int wait_until_ready(int fd, short events, const std::function<bool()>& interrupted) {
    constexpr int slice_milliseconds = 200;
    while (true) {
        if (interrupted && interrupted()) return EINTR;
        pollfd waited{fd, events, 0};
        const int ready = ::poll(&waited, 1, slice_milliseconds);
        if (ready > 0) return 0;
        if (ready < 0 && errno != EINTR) return errno;  // EINTR also comes of SIGCONT
    }
}

}  // namespace varve::mount_client
