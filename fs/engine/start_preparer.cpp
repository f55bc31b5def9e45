// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/start_preparer.h"

#include "fs/engine/open_pool.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

namespace varve::engine {
namespace {

// The volume's lock, taken once its view turned out to be the one that was prepared for.
class LockedIfCurrent final : public api::Pool::StillCurrent {
public:
    explicit LockedIfCurrent(VolumeLock lock) : lock_(std::move(lock)) {}

private:
    VolumeLock lock_;
};

bool ready_to_prepare(const api::VolumeView& view) {
    return view.committed && !view.session && api::saves_on_stop(view.config.kind) && api::source_of(view.config.kind) == nullptr;
}

}  // namespace

StartPreparer::StartPreparer(spdlog::logger& log) : log_(log), thread_([this] { work(); }) {}

StartPreparer::~StartPreparer() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void StartPreparer::enqueue(const Request& request) {
    if (!queued_.insert(request).second) return;
    queue_.push_back(request);
    changed_.notify_all();
}

void StartPreparer::stopped(const VmPtr& vm, const base::VolumeName& volume) {
    const std::lock_guard lock(mutex_);
    stopped_.insert({vm, volume});
    enqueue({vm, volume});
}

void StartPreparer::replaced(const VmPtr& vm, const base::VolumeName& volume) {
    const std::lock_guard lock(mutex_);
    if (stopped_.contains({vm, volume})) enqueue({vm, volume});
}

bool StartPreparer::idle(std::chrono::milliseconds wait) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, wait, [this] { return queue_.empty() && !busy_; });
}

void StartPreparer::work() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        if (stopping_) return;
        const auto next = std::move(queue_.front());
        queue_.pop_front();
        queued_.erase(next);
        busy_ = true;
        lock.unlock();
        prepare(next);
        lock.lock();
        busy_ = false;
        changed_.notify_all();
    }
}

void StartPreparer::prepare(const Request& request) {
    const auto vm = request.vm.lock();
    if (!vm) {
        const std::lock_guard lock(mutex_);
        stopped_.erase(request);
        return;
    }
    const auto view = vm->volume(request.volume);
    if (!view || !ready_to_prepare(*view)) return;
    const base::VolumePath path{vm->name(), request.volume};
    const auto lock_if_current = [&]() -> std::unique_ptr<api::Pool::StillCurrent> {
        auto lock = vm->pool().locks().acquire({{path.vm, path.volume}}, Patience(std::chrono::seconds(2)));
        const auto now = vm->volume(request.volume);
        if (!lock || vm->pool().find(path.vm) != vm || !now || !ready_to_prepare(*now) || now->committed->id != view->committed->id)
            return nullptr;
        return std::make_unique<LockedIfCurrent>(*std::move(lock));
    };
    if (const auto prepared = vm->pool().driver().prepare_start(path, *view, lock_if_current); !prepared)
        log_.warn("{}/{}: the next start will be slower: {}", vm->pool().name().str(), path.str(), prepared.error().message());
}

}  // namespace varve::engine
