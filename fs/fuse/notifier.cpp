// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/fuse/notifier.h"

#include "fs/fuse/lowlevel.h"
#include "fs/paths/entry_name.h"

#include <map>
#include <utility>

namespace varve::fuse {
namespace {

// Which state each name of a volume shows.
std::map<std::string, api::StateId> names_of(const base::VolumeName& volume, const api::VolumeView* view) {
    std::map<std::string, api::StateId> names;
    if (view == nullptr) return names;
    if (view->committed) names.emplace(paths::volume_file(volume), view->committed->id);
    for (const auto& revision : view->revisions) names.emplace(paths::revision_file(volume, revision.id), revision.state.id);
    return names;
}

bool same_revisions(const api::VolumeView& a, const api::VolumeView& b) {
    if (a.revisions.size() != b.revisions.size()) return false;
    for (std::size_t i = 0; i < a.revisions.size(); ++i)
        if (a.revisions[i].state.id != b.revisions[i].state.id || a.revisions[i].id != b.revisions[i].id) return false;
    return true;
}

}  // namespace

Notifier::Notifier(NodeTable& nodes) : nodes_(nodes), thread_([this] { work(); }) {}

Notifier::~Notifier() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void Notifier::attach(fuse_session* session) {
    const std::lock_guard lock(mutex_);
    session_ = session;
}

void Notifier::detach() {
    std::unique_lock lock(mutex_);
    session_ = nullptr;
    changed_.wait(lock, [this] { return !sending_; });  // ends: the kernel answers notifications without our help
}

void Notifier::volume_changed(const engine::Vm& vm, const base::VolumeName& volume, const api::VolumeView* before, const api::VolumeView* after) {
    const auto parent = nodes_.directory_of(vm);
    const auto file = paths::volume_file(volume);
    if (parent) forget_entry(*parent, file);  // also when only the kind of file changed: started without a layer, source changed, removed
    for (const auto* view : {before, after})
        if (view != nullptr && view->committed)
            if (const auto node = nodes_.file_of(view->committed->id)) forget_attributes(*node);
    if (before != nullptr && after != nullptr && same_revisions(*before, *after)) return;

    auto names = names_of(volume, after);
    for (const auto& [name, state] : names_of(volume, before)) {
        const auto now = names.find(name);
        if (now != names.end() && now->second == state) continue;
        if (parent) forget_entry(*parent, name);
        if (const auto node = nodes_.file_of(state)) forget_attributes(*node);
    }
}

void Notifier::forget_attributes(NodeId node) { add(Attributes{node}); }

void Notifier::forget_entry(NodeId parent, std::string name) { add(Entry{parent, std::move(name)}); }

void Notifier::add(Message message) {
    {
        const std::lock_guard lock(mutex_);
        if (session_ == nullptr) return;
        queue_.push_back(std::move(message));
        ++asked_;
    }
    changed_.notify_all();
}

void Notifier::drain(std::chrono::milliseconds wait) {
    std::unique_lock lock(mutex_);
    const auto goal = asked_;
    (void)changed_.wait_for(lock, wait, [&] { return sent_ >= goal || session_ == nullptr; });  // late: the kernel's time-outs remain
}

void Notifier::work() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        if (stopping_) return;
        const auto message = std::move(queue_.front());
        queue_.pop_front();
        auto* const session = session_;
        sending_ = session != nullptr;
        lock.unlock();
        if (session != nullptr) send(*session, message);
        lock.lock();
        sending_ = false;
        ++sent_;
        changed_.notify_all();
    }
}

// Both calls fail with ENOENT for what the kernel does not know (any more): that is what was wanted.
void Notifier::send(fuse_session& session, const Message& message) {
    if (const auto* entry = std::get_if<Entry>(&message)) {
        (void)fuse_lowlevel_notify_inval_entry(&session, entry->parent, entry->name.c_str(), entry->name.size());
    } else {
        constexpr off_t attributes_only = -1;
        (void)fuse_lowlevel_notify_inval_inode(&session, std::get<Attributes>(message).node, attributes_only, 0);
    }
}

}  // namespace varve::fuse
