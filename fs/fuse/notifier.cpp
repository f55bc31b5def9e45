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

std::vector<api::StateId> states_of(const api::VolumeView* view) {
    std::vector<api::StateId> states;
    if (view == nullptr) return states;
    for (const auto& revision : view->revisions) states.push_back(revision.state.id);
    if (view->committed) states.push_back(view->committed->id);
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
    // The states that kept their place in the list kept their attributes too; only those at the ends of a change are told of.
    auto old_states = states_of(before);
    auto new_states = states_of(after);
    auto [old_end, new_end] = std::ranges::mismatch(old_states, new_states);
    const auto* const was = before != nullptr && before->committed ? &*before->committed : nullptr;
    const auto* const is = after != nullptr && after->committed ? &*after->committed : nullptr;
    // A commit leaves the list as it was but for its end; the state that became a revision has another mode and number now.
    if (was != nullptr && (is == nullptr || is->id != was->id) && old_end == old_states.end()) --old_end;
    old_states.erase(old_states.begin(), old_end);
    new_states.erase(new_states.begin(), new_end);
    if (is != nullptr) new_states.push_back(is->id);  // its time may have been set
    for (const auto& states : {old_states, new_states})
        for (const auto state : states)
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
