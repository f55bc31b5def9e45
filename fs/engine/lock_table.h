// SPDX-License-Identifier: LGPL-2.1-or-later
// One lock per volume of a pool, taken by name; docs/locking.md has the order of all locks.
#pragma once

#include "drivers/base/names.h"
#include "drivers/base/result.h"
#include "fs/engine/patience.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <vector>

namespace varve::engine {

// A volume, or (without `volume`) a whole VM with all its volumes.
struct LockKey {
    base::VmName vm;
    std::optional<base::VolumeName> volume;
};

class LockTable;

// Holds what it was given for as long as it lives. What changes a volume takes a reference to one as proof.
class VolumeLock {
public:
    VolumeLock(VolumeLock&& other) noexcept;
    ~VolumeLock();
    VolumeLock(const VolumeLock&) = delete;
    VolumeLock& operator=(const VolumeLock&) = delete;
    VolumeLock& operator=(VolumeLock&&) = delete;

private:
    friend class LockTable;
    VolumeLock(LockTable& table, std::uint64_t ticket) : table_(&table), ticket_(ticket) {}
    LockTable* table_;
    std::uint64_t ticket_;
};

// Thread-safe. All keys of one acquire are taken at once or not at all, so that no two callers wait for each other;
// whoever holds a VolumeLock must not acquire another.
class LockTable {
public:
    // Busy when not all are free in time.
    [[nodiscard]] base::Result<VolumeLock> acquire(std::vector<LockKey> keys, Patience patience);

private:
    friend class VolumeLock;
    struct Held {
        std::uint64_t ticket;
        LockKey key;
    };
    [[nodiscard]] const LockKey* conflict(const std::vector<LockKey>& keys) const;
    void release(std::uint64_t ticket);

    std::mutex mutex_;
    std::condition_variable_any released_;
    std::vector<Held> held_;
    std::uint64_t next_ticket_ = 1;
};

}  // namespace varve::engine
