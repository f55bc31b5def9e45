// SPDX-License-Identifier: LGPL-2.1-or-later
// Who is told of something.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace varve::hypervisor {

// `Handle` is what a listener holds: it ends with that object, and when the object's destructor has returned, it runs no more.
// Thread-safe. Listeners are called one event at a time, under the list's lock: they must neither add nor leave.
template <class Event, class Handle>
class ListenerList {
public:
    using Listener = std::function<void(const Event&)>;

    [[nodiscard]] static std::unique_ptr<Handle> add(const std::shared_ptr<ListenerList>& list, Listener listener) {
        const std::scoped_lock lock(list->mutex_);
        const auto key = list->next_++;
        list->listeners_.emplace(key, std::move(listener));
        return std::make_unique<Entry>(list, key);
    }

    void tell(const Event& event) const {
        const std::scoped_lock lock(mutex_);
        for (const auto& [key, listener] : listeners_) listener(event);
    }

private:
    class Entry final : public Handle {
    public:
        Entry(std::weak_ptr<ListenerList> list, std::uint64_t key) : list_(std::move(list)), key_(key) {}
        ~Entry() override {
            const auto list = list_.lock();
            if (!list) return;
            const std::scoped_lock lock(list->mutex_);
            list->listeners_.erase(key_);
        }
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;

    private:
        std::weak_ptr<ListenerList> list_;
        std::uint64_t key_;
    };

    mutable std::mutex mutex_;
    std::map<std::uint64_t, Listener> listeners_;  // under the mutex
    std::uint64_t next_ = 0;
};

}  // namespace varve::hypervisor
