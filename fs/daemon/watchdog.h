// SPDX-License-Identifier: LGPL-2.1-or-later
// Tells a daemon that hangs from one that waits for its disk, for a service manager that ends the first (docs/services.md).
#pragma once

#include "fs/daemon/periodically.h"

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>

namespace varve::daemon {

// Whether a thread of this process, other than `except`, sleeps uninterruptibly (D in proc_pid_stat(5)): it waits for a disk, not for a lock of ours.
[[nodiscard]] bool waits_for_disk(pid_t except);
// Asks the mount for a file that lies on no disk, as any program would: false when it is answered with an error. Waits for as long as that takes.
[[nodiscard]] bool mount_answers(const std::filesystem::path& mountpoint);

class Watchdog {
public:
    struct Ports {
        std::function<bool()> ask;                        // may block; called by one thread
        std::function<bool(pid_t asker)> waits_for_disk;  // the thread that asks waits, too
        std::function<void()> feed;
    };
    // Looks every `interval`: feeds when what was asked since the last look was answered, and as long as the disk is what everybody waits for.
    Watchdog(Ports ports, std::chrono::milliseconds interval);
    // Waits for what is being asked: destroy it after what answers.
    ~Watchdog() = default;
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

private:
    void ask(const std::stop_token& stop);
    void look();

    const Ports ports_;
    std::mutex mutex_;
    std::condition_variable_any wanted_;
    enum class Question { Wanted, Asked, Answered, Refused } question_ = Question::Wanted;
    pid_t asker_ = 0;
    std::jthread asking_thread_;
    Periodically looks_;  // last: ends first
};

}  // namespace varve::daemon
