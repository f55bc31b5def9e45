// SPDX-License-Identifier: LGPL-2.1-or-later
// Tells the kernel to forget what it has cached of paths that show another state now.
#pragma once

#include "fs/engine/change_listener.h"
#include "fs/fuse/node_table.h"

#include <atomic>
#include <shared_mutex>

struct fuse_session;

namespace varve::fuse {

// Names are forgotten all at once by a new epoch (FUSE_NOTIFY_INC_EPOCH, protocol 7.44, Linux 6.16): the kernel asks for each again when it is
// next used. That takes no lock in the kernel, so it can be sent from anywhere, also before the reply to the request that made the change. The
// older FUSE_NOTIFY_INVAL_ENTRY is never used: it takes the parent directory's lock, which a request that waits for us may hold, and a daemon
// killed in it cannot die. On kernels without epochs names are not cached (see names_cacheable).
//
// Thread-safe.
class Notifier final : public engine::ChangeListener {
public:
    explicit Notifier(NodeTable& nodes) : nodes_(nodes) {}

    // Nothing is sent before there is a session, nor after detach().
    void attach(fuse_session* session);
    void detach();
    // What the kernel speaks, as told when the session begins.
    void set_protocol_minor(unsigned int minor);

    // Whether the kernel may keep names until it is told otherwise.
    [[nodiscard]] bool names_cacheable() const { return epochs_; }

    void volume_changed(const engine::Vm& vm, const base::VolumeName& volume, const api::VolumeView* before,
                        const api::VolumeView* after) override;
    void forget_names();
    void forget_attributes(NodeId node);

private:
    NodeTable& nodes_;
    std::shared_mutex mutex_;  // exclusive: the session comes or goes
    fuse_session* session_ = nullptr;
    std::atomic<bool> epochs_ = false;
};

}  // namespace varve::fuse
