// SPDX-License-Identifier: LGPL-2.1-or-later
// Which open files the kernel reads and writes itself, past this process.
#pragma once

#include "fs/fuse/backing_files.h"
#include "fs/fuse/node_table.h"

#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

namespace spdlog {
class logger;
}

namespace varve::fuse {

// A kernel inode has one way of I/O as long as it is open at all: by passthrough to one backing file, or through the kernel's page cache and
// this process (the kernel refuses a mixture with EBUSY or EIO). The first open chooses, and those that join it follow.
//
// Every open of a state or a scratch file is told here, and every release. (Transactions have nodes of their own, and are written through this
// process, which must know of a failed write.) Thread-safe.
class Passthrough {
public:
    // Both outlive this.
    Passthrough(BackingFiles& files, spdlog::logger& log) : files_(files), log_(log) {}
    ~Passthrough();
    Passthrough(const Passthrough&) = delete;
    Passthrough& operator=(const Passthrough&) = delete;

    // Once, when the session has begun: whether the kernel takes passthrough, tried on a file of ours; said once in the log. `refused` is why
    // it need not be tried.
    void begin(const std::optional<std::string>& refused);
    // "on", or "off: " and the reason.
    [[nodiscard]] std::string status() const;

    // A file is being opened for the node: the id to answer with, or nullopt for I/O through this process. `fd` need not stay open.
    [[nodiscard]] std::optional<BackingId> opened(NodeId node, int fd);
    void released(NodeId node);

private:
    struct Use {
        std::optional<BackingId> backing;
        unsigned int opens = 0;
    };
    [[nodiscard]] std::optional<BackingId> choose(int fd);

    BackingFiles& files_;
    spdlog::logger& log_;
    mutable std::mutex mutex_;
    std::optional<std::string> off_ = "the session has not begun";
    std::unordered_map<NodeId, Use> uses_;
    std::set<int> told_;  // the errnos of refused files that the log knows
};

}  // namespace varve::fuse
