// SPDX-License-Identifier: LGPL-2.1-or-later
// A session with the kernel, or with whoever speaks as it does: from fuse_session_new to the end of the loop.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/unique_fd.h"
#include "fs/fuse/lowlevel.h"
#include "fs/fuse/server.h"

#include <filesystem>
#include <functional>
#include <memory>

namespace varve::fuse {

// Owns the kernel's mount, or the wire, while it lives.
class Session {
public:
    // Mounts at an existing directory; what an earlier daemon that died has left mounted there is taken away first. One per process:
    // libfuse's signal handlers know one session.
    [[nodiscard]] static base::Result<std::unique_ptr<Session>> mount(Server& server, Notifier& notifier, DeviceBackingFiles& backing_files,
                                                                      const std::filesystem::path& mountpoint);
    // Instead of a mount: each read of `wire` through `io` gives one whole request and each writev takes one whole answer, as with
    // /dev/fuse. A read that fails with ENODEV is the end. Notifications go to `wire` by write(2).
    [[nodiscard]] static base::Result<std::unique_ptr<Session>> over(Server& server, Notifier& notifier, base::UniqueFd wire,
                                                                     const fuse_custom_io& io);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // Answers requests on several threads until the file system is unmounted (the wire ends) or, when mounted, SIGTERM, SIGINT or SIGHUP
    // comes.
    [[nodiscard]] base::Result<> run();

private:
    [[nodiscard]] static base::Result<std::unique_ptr<Session>> make(Server& server, Notifier& notifier);
    Session(fuse_session* session, Server& server, Notifier& notifier) : session_(session), server_(server), notifier_(notifier) {}
    void begin();

    fuse_session* session_;
    Server& server_;
    Notifier& notifier_;
    DeviceBackingFiles* backing_files_ = nullptr;
    std::filesystem::path mountpoint_;  // empty: there is none
    bool handles_signals_ = false;
    bool mounted_ = false;
};

}  // namespace varve::fuse
