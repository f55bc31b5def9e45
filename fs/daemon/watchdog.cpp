// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/daemon/watchdog.h"

#include "fs/protocol/names.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <stop_token>
#include <string>
#include <utility>

namespace varve::daemon {
namespace {

// The field after the name, which stands in parentheses and may hold any character; 0 for a thread that is gone.
char state_of(const std::filesystem::path& thread) {
    std::ifstream file(thread / "stat");
    std::string line;
    if (!std::getline(file, line)) return 0;
    const auto name_end = line.rfind(") ");
    return name_end == std::string::npos || name_end + 2 >= line.size() ? '\0' : line[name_end + 2];
}

}  // namespace

bool waits_for_disk(pid_t except) {
    std::error_code failed;
    for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", failed))
        if (thread.path().filename() != std::to_string(except) && state_of(thread.path()) == 'D') return true;
    return false;
}

bool mount_answers(const std::filesystem::path& mountpoint) {
    const auto file = mountpoint / protocol::control_directory / protocol::root_file::version;
    struct statx found {};
    // Another error is an answer, too: somebody has unmounted it (umount -l) or mounted over it, while programs still use its files.
    return ::statx(AT_FDCWD, file.c_str(), AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &found) == 0 || errno != ENOTCONN;
}

Watchdog::Watchdog(Ports ports, std::chrono::milliseconds interval)
    : ports_(std::move(ports)), asking_thread_([this](const std::stop_token& stop) { ask(stop); }), looks_(interval, [this] { look(); }) {}

void Watchdog::ask(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    asker_ = ::gettid();
    while (wanted_.wait(lock, stop, [this] { return question_ == Question::Wanted; })) {
        question_ = Question::Asked;
        lock.unlock();
        const bool answered = ports_.ask();
        lock.lock();
        question_ = answered ? Question::Answered : Question::Refused;
    }
}

void Watchdog::look() {
    std::unique_lock lock(mutex_);
    const auto question = question_;
    const auto asker = asker_;
    if (question == Question::Answered || question == Question::Refused) question_ = Question::Wanted;
    lock.unlock();
    wanted_.notify_one();
    if (question == Question::Answered || (question != Question::Refused && ports_.waits_for_disk(asker))) ports_.feed();
}

}  // namespace varve::daemon
