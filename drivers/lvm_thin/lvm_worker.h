// SPDX-License-Identifier: LGPL-2.1-or-later
// LVM's commands, run one after the other in a worker process that stays (docs/decisions/0011-lvm-in-a-worker.md).
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/unique_fd.h"

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

namespace varve::lvm_thin {

struct LvmAnswer {
    bool succeeded = false;
    std::string printed;              // reports
    std::vector<std::string> errors;  // LVM's own words
};

// Starts the worker when it is needed, and again when it has died. Thread-safe; commands wait for each other.
class LvmWorker {
public:
    explicit LvmWorker(std::filesystem::path program, std::chrono::milliseconds deadline = std::chrono::minutes(2));
    ~LvmWorker();
    LvmWorker(const LvmWorker&) = delete;
    LvmWorker& operator=(const LvmWorker&) = delete;

    // The words of one command. InvalidArgument for a word with white space, quotes or control characters. TimedOut after the deadline: the
    // worker is killed then, and nobody knows what it has done. Io when it died.
    [[nodiscard]] base::Result<LvmAnswer> run(const std::vector<std::string>& words);

private:
    [[nodiscard]] base::Result<> start();
    void stop(bool kill);
    [[nodiscard]] base::Result<> send(const std::string& line);
    [[nodiscard]] base::Result<std::string> receive_line(std::chrono::steady_clock::time_point deadline);

    const std::filesystem::path program_;
    const std::chrono::milliseconds deadline_;
    std::mutex mutex_;  // over all below, for as long as a command takes
    pid_t process_ = -1;
    base::UniqueFd input_;
    base::UniqueFd output_;
    std::string received_;
};

}  // namespace varve::lvm_thin
