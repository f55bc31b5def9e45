// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/fuse/notifier.h"

#include "fs/fuse/lowlevel.h"

#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <vector>

namespace varve::fuse {
namespace {

// From the kernel's include/uapi/linux/fuse.h of protocol 7.44; Debian 12's header is older, and libfuse 3.14 has no call for it.
constexpr std::int32_t notify_inc_epoch = 8;
constexpr unsigned int first_minor_with_epochs = 44;
struct NotifyHeader {
    std::uint32_t length;
    std::int32_t code;
    std::uint64_t unique;  // 0: a notification
};
static_assert(sizeof(NotifyHeader) == 16);

// The states whose place or attributes have changed.
std::vector<api::StateId> changed_states(const api::VolumeView& before, const api::VolumeView& after) {
    std::vector<api::StateId> states;
    const auto revisions = api::Revisions::changes(before.revisions, after.revisions);
    for (const auto& revision : revisions.gone) states.push_back(revision.state.id);
    for (const auto& revision : revisions.come) states.push_back(revision.state.id);
    if (before.committed && before.committed != after.committed) states.push_back(before.committed->id);
    if (after.committed) states.push_back(after.committed->id);  // its mode follows the configuration
    return states;
}

}  // namespace

void Notifier::attach(fuse_session* session) {
    const std::lock_guard lock(mutex_);
    session_ = session;
}

void Notifier::detach() {
    const std::lock_guard lock(mutex_);
    session_ = nullptr;
}

void Notifier::set_protocol_minor(unsigned int minor) { epochs_ = minor >= first_minor_with_epochs; }

void Notifier::volume_changed(const engine::Vm&, const base::VolumeName&, const api::VolumeView* before, const api::VolumeView* after) {
    forget_names();
    const api::VolumeView nothing;
    for (const auto state : changed_states(before != nullptr ? *before : nothing, after != nullptr ? *after : nothing))
        if (const auto node = nodes_.file_of(state)) forget_attributes(*node);
}

void Notifier::forget_names() {
    const std::shared_lock lock(mutex_);
    if (session_ == nullptr || !epochs_) return;
    const NotifyHeader message{sizeof(NotifyHeader), notify_inc_epoch, 0};
    (void)!::write(fuse_session_fd(session_), &message, sizeof message);  // fails only when the mount has gone
}

// ENOENT for a node that the kernel does not know (any more): that is what was wanted.
void Notifier::forget_attributes(NodeId node) {
    const std::shared_lock lock(mutex_);
    if (session_ == nullptr) return;
    constexpr off_t attributes_only = -1;
    (void)fuse_lowlevel_notify_inval_inode(session_, node, attributes_only, 0);
}

}  // namespace varve::fuse
