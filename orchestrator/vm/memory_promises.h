// SPDX-License-Identifier: LGPL-2.1-or-later
// The memory that starts under way were told they can have. What is free does not show it before their guests take it, and must not be promised to
// another start meanwhile.
#pragma once

#include "orchestrator/hypervisor/hypervisor.h"
#include "orchestrator/vm/wakeup.h"

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace varve::vm {

// What one start was promised, until its end.
class MemoryPromise {
public:
    MemoryPromise() = default;
    MemoryPromise(const MemoryPromise&) = delete;
    MemoryPromise& operator=(const MemoryPromise&) = delete;
    virtual ~MemoryPromise() = default;
};

// Thread-safe, and outlives its promises.
class MemoryPromises {
public:
    // `amount` of the hypervisor's free memory, beside what others were promised. Where it would be enough without these, their ends are waited for
    // until the deadline: it is known then what they really took. NoSpace says what there is. One for each VM at a time.
    [[nodiscard]] base::Result<std::unique_ptr<MemoryPromise>> promise(hypervisor::Hypervisor& hypervisor, const base::VmName& vm,
                                                                       base::Bytes amount, Deadline deadline);

    // What is free beside the promises, without those to `but`.
    [[nodiscard]] base::Result<base::Bytes> free(hypervisor::Hypervisor& hypervisor, const std::set<base::VmName>& but);

private:
    // Of one hypervisor.
    struct Account {
        std::mutex mutex;  // also over the question how much is free: a promise must not end between that and the look at it
        std::condition_variable ended;
        std::map<base::VmName, base::Bytes> promised;  // under the mutex
    };
    class Promise;

    [[nodiscard]] Account& account_of(const hypervisor::Hypervisor& hypervisor);

    std::mutex mutex_;
    std::map<std::string, Account> accounts_;  // by URI, under the mutex; never erased
};

}  // namespace varve::vm
