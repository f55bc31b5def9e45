// SPDX-License-Identifier: LGPL-2.1-or-later
// One varvefs process and its mount, as an administrator would run it.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace varve::test_support {

struct DaemonPool {
    std::string name;
    std::filesystem::path directory;  // made when missing
    int revisions_to_keep = 1;
    std::string driver = "file-reflink";
};

struct DaemonSettings {
    std::filesystem::path work_directory;  // configuration, mountpoint, state and log go there
    std::vector<DaemonPool> pools;
    std::string prune_grace = "24h";
    bool passthrough = true;
};

// Stopped and unmounted by the destructor, lazily when it does not go otherwise.
class VarveDaemon {
public:
    explicit VarveDaemon(DaemonSettings settings);
    ~VarveDaemon();
    VarveDaemon(const VarveDaemon&) = delete;
    VarveDaemon& operator=(const VarveDaemon&) = delete;

    // Until the mount is there; false (and a failed test) when it does not come.
    bool start();
    // The same without a failure.
    [[nodiscard]] bool try_start();
    // SIGTERM; the exit status, or -signal.
    int terminate();
    // kill -9, as a crash; then `umount -f -l`.
    void kill();
    // A clean stop and a new start.
    bool restart();
    [[nodiscard]] bool running();

    [[nodiscard]] const std::filesystem::path& mountpoint() const { return mountpoint_; }
    [[nodiscard]] std::filesystem::path runtime_directory() const { return settings_.work_directory / "run"; }
    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] std::string log_tail() const;

private:
    void write_config() const;
    void spawn();
    [[nodiscard]] bool mounted() const;
    int reap();

    DaemonSettings settings_;
    std::filesystem::path mountpoint_;
    pid_t pid_ = -1;
};

}  // namespace varve::test_support
