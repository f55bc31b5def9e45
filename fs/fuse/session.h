// SPDX-License-Identifier: LGPL-2.1-or-later
// The mount: from fuse_session_new to the end of the loop.
#pragma once

#include "drivers/base/result.h"
#include "fs/fuse/server.h"

#include <filesystem>
#include <functional>
#include <memory>

namespace varve::fuse {

// Owns the kernel's mount while it lives. One per process: libfuse's signal handlers know one session.
class Session {
public:
    // Mounts at an existing directory; what an earlier daemon that died has left mounted there is taken away first.
    [[nodiscard]] static base::Result<std::unique_ptr<Session>> mount(Server& server, Notifier& notifier,
                                                                      const std::filesystem::path& mountpoint);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // Answers requests on several threads until the file system is unmounted or SIGTERM, SIGINT or SIGHUP comes.
    [[nodiscard]] base::Result<> run();

private:
    Session(fuse_session* session, Notifier& notifier) : session_(session), notifier_(notifier) {}
    fuse_session* session_;
    Notifier& notifier_;
    bool handles_signals_ = false;
    bool mounted_ = false;
};

}  // namespace varve::fuse
