// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/fuse/session.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

namespace varve::fuse {

using base::Errc;
using base::fail;
using base::fail_errno;
using base::Result;

namespace {

// After kill -9 of a daemon its mount stays and answers ENOTCONN to everything, but what the kernel remembers for a while: it has to be asked for
// attributes that are not older than the question.
Result<> clear_dead_mounts(const std::filesystem::path& mountpoint) {
    constexpr int most = 64;  // one on the other
    for (int cleared = 0;; ++cleared) {
        struct statx found {};
        if (::statx(AT_FDCWD, mountpoint.c_str(), AT_STATX_FORCE_SYNC, STATX_TYPE, &found) == 0) {
            if (!S_ISDIR(found.stx_mode)) return fail(Errc::InvalidArgument, "the mountpoint " + mountpoint.string() + " is no directory");
            return {};
        }
        if (errno != ENOTCONN || cleared == most) return fail_errno(errno, "cannot use the mountpoint " + mountpoint.string());
        if (::umount2(mountpoint.c_str(), MNT_DETACH) != 0)
            return fail_errno(errno, "cannot unmount what a dead varvefs has left at " + mountpoint.string());
    }
}

std::vector<std::string> arguments() { return {"varvefs", "-oallow_other,default_permissions,nosuid,nodev,fsname=varve,subtype=varve"}; }

// Threads answer while others wait for the disk; fsync can take seconds.
constexpr unsigned int most_threads = 64;
constexpr unsigned int most_idle_threads = 16;

}  // namespace

Result<std::unique_ptr<Session>> Session::make(Server& server, Notifier& notifier) {
    auto words = arguments();
    std::vector<char*> raw;
    raw.reserve(words.size());
    for (auto& word : words) raw.push_back(word.data());
    fuse_args args = FUSE_ARGS_INIT(static_cast<int>(raw.size()), raw.data());
    auto* const session = fuse_session_new(&args, &Server::operations(), sizeof(fuse_lowlevel_ops), &server);
    fuse_opt_free_args(&args);
    if (session == nullptr) return fail(Errc::Io, "libfuse refused to make a session");
    return std::unique_ptr<Session>(new Session(session, server, notifier));
}

Result<std::unique_ptr<Session>> Session::mount(Server& server, Notifier& notifier, DeviceBackingFiles& backing_files,
                                                const std::filesystem::path& mountpoint) {
    TRY(clear_dead_mounts(mountpoint));
    auto owner = TRY(make(server, notifier));
    auto* const session = owner->session_;
    if (fuse_set_signal_handlers(session) != 0) return fail(Errc::Io, "cannot set signal handlers");
    owner->handles_signals_ = true;
    if (fuse_session_mount(session, mountpoint.c_str()) != 0)
        return fail_errno(errno != 0 ? errno : EIO, "cannot mount at " + mountpoint.string() + " (is /dev/fuse there, and are you root?)");
    owner->mounted_ = true;
    owner->mountpoint_ = mountpoint;
    backing_files.attach(fuse_session_fd(session));
    owner->backing_files_ = &backing_files;
    TRY(server.negotiation().attach(session, fuse_session_fd(session), Negotiation::system_io()));
    notifier.attach(session);
    return owner;
}

Result<std::unique_ptr<Session>> Session::over(Server& server, Notifier& notifier, base::UniqueFd wire, const fuse_custom_io& io) {
    auto owner = TRY(make(server, notifier));
    TRY(server.negotiation().attach(owner->session_, wire.get(), io));
    (void)wire.release();  // the session's now, which closes it
    notifier.attach(owner->session_);
    return owner;
}

Session::~Session() {
    notifier_.detach();
    server_.end();
    if (backing_files_ != nullptr) backing_files_->detach();
    if (mounted_) fuse_session_unmount(session_);
    if (handles_signals_) fuse_remove_signal_handlers(session_);
    fuse_session_destroy(session_);
}

// The kernel's first message is FUSE_INIT. Answered here, before other threads answer others: what it has settled can be looked at.
void Session::begin() {
    fuse_buf message{};
    if (fuse_session_receive_buf(session_, &message) > 0) {  // else it has ended, or a signal came: the loop will see it
        fuse_session_process_buf(session_, &message);
        server_.begin(mountpoint_);
    }
    std::free(message.mem);  // NOLINT: libfuse's malloc
}

Result<> Session::run() {
    begin();
    auto* const config = fuse_loop_cfg_create();
    fuse_loop_cfg_set_max_threads(config, most_threads);
    fuse_loop_cfg_set_idle_threads(config, most_idle_threads);
    const int ended = fuse_session_loop_mt(session_, config);
    fuse_loop_cfg_destroy(config);
    if (ended < 0) return fail_errno(-ended, "the mount has failed");
    return {};  // positive: the signal that ended it
}

}  // namespace varve::fuse
