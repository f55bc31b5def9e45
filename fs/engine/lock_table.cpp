// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/engine/lock_table.h"

#include <algorithm>
#include <utility>

namespace varve::engine {
namespace {

bool overlap(const LockKey& a, const LockKey& b) { return a.vm == b.vm && (!a.volume || !b.volume || *a.volume == *b.volume); }

}  // namespace

VolumeLock::VolumeLock(VolumeLock&& other) noexcept : table_(std::exchange(other.table_, nullptr)), ticket_(other.ticket_) {}

VolumeLock::~VolumeLock() {
    if (table_ != nullptr) table_->release(ticket_);
}

const LockKey* LockTable::conflict(const std::vector<LockKey>& keys) const {
    for (const auto& held : held_)
        if (std::ranges::any_of(keys, [&](const LockKey& key) { return overlap(key, held.key); })) return &held.key;
    return nullptr;
}

base::Result<VolumeLock> LockTable::acquire(std::vector<LockKey> keys, Patience patience) {
    std::unique_lock lock(mutex_);
    if (!patience.wait(released_, lock, [&] { return conflict(keys) == nullptr; })) {
        const auto* other = conflict(keys);
        const auto name = other->volume ? base::VolumePath{other->vm, *other->volume}.str() : other->vm.str();
        if (patience.interrupted())
            return base::fail(base::Errc::Interrupted,
                              "interrupted while " + name + " was being changed by another operation; nothing was done");
        return base::fail(base::Errc::Busy, name + " is being changed by another operation");
    }
    const auto ticket = next_ticket_++;
    for (auto& key : keys) held_.push_back({ticket, std::move(key)});
    return VolumeLock(*this, ticket);
}

void LockTable::release(std::uint64_t ticket) {
    {
        const std::lock_guard lock(mutex_);
        std::erase_if(held_, [&](const Held& held) { return held.ticket == ticket; });
    }
    released_.notify_all();
}

}  // namespace varve::engine
