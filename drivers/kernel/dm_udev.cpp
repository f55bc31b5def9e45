// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/dm_udev.h"

#include <sys/ipc.h>
#include <sys/sem.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

namespace varve::kernel {
namespace {

using Clock = std::chrono::steady_clock;

timespec time_left(Clock::time_point end) {
    const auto left = std::max(std::chrono::duration_cast<std::chrono::nanoseconds>(end - Clock::now()), std::chrono::nanoseconds{0});
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    return {seconds.count(), (left - seconds).count()};
}

// Until the semaphore is 0. True when it is, or when it is gone.
bool reaches_zero(int semaphore, Clock::time_point end) {
    while (true) {
        sembuf zero{.sem_num = 0, .sem_op = 0, .sem_flg = 0};
        const auto left = time_left(end);
        if (::semtimedop(semaphore, &zero, 1, &left) == 0) return true;
        if (errno == EINTR) continue;
        return errno == EIDRM || errno == EINVAL;
    }
}

}  // namespace

UdevAnswer UdevWait::wait(std::uint32_t cookie) {
    if (cookie == 0) return UdevAnswer::Done;
    const int semaphore = ::semget(static_cast<key_t>(cookie), 1, 0);
    if (semaphore < 0) return UdevAnswer::Done;  // nobody counts any more
    const unsigned halvings = halvings_;
    sembuf own{.sem_num = 0, .sem_op = -1, .sem_flg = IPC_NOWAIT};
    const bool waits = ::semop(semaphore, &own, 1) == 0;
    const bool done = waits && reaches_zero(semaphore, Clock::now() + patience());
    (void)::semctl(semaphore, 0, IPC_RMID);  // udev removes none; failing, it is gone already
    constexpr unsigned most_halvings = 6;
    halvings_ = done ? 0 : std::min(halvings + 1, most_halvings);  // several that wait at once halve it once
    return done ? UdevAnswer::Done : UdevAnswer::TimedOut;
}

}  // namespace varve::kernel
