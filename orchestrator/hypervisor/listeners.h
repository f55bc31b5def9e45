// SPDX-License-Identifier: LGPL-2.1-or-later
// Who is told of events.
#pragma once

#include "orchestrator/hypervisor/event.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace varve::hypervisor {

using EventListener = std::function<void(const Event&)>;

// Ends with this object; when its destructor has returned, the listener runs no more.
class Subscription {
public:
    Subscription() = default;
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;
    virtual ~Subscription() = default;
};

// Thread-safe. Listeners are called one event at a time, under the list's lock: they must neither subscribe nor unsubscribe.
class Listeners {
public:
    [[nodiscard]] static std::unique_ptr<Subscription> add(const std::shared_ptr<Listeners>& list, EventListener listener) {
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
    class Entry final : public Subscription {
    public:
        Entry(std::weak_ptr<Listeners> list, std::uint64_t key) : list_(std::move(list)), key_(key) {}
        ~Entry() override {
            const auto list = list_.lock();
            if (!list) return;
            const std::scoped_lock lock(list->mutex_);
            list->listeners_.erase(key_);
        }
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;

    private:
        std::weak_ptr<Listeners> list_;
        std::uint64_t key_;
    };

    mutable std::mutex mutex_;
    std::map<std::uint64_t, EventListener> listeners_;
    std::uint64_t next_ = 0;
};

}  // namespace varve::hypervisor
