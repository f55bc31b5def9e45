// SPDX-License-Identifier: LGPL-2.1-or-later
// What is told of VMs. Of a disposable that is kept ready nothing, until somebody has it: then how it is by now, since what brought it there was not told.
#pragma once

#include "orchestrator/definitions/store.h"
#include "orchestrator/vm/machines.h"

#include <functional>
#include <map>
#include <mutex>

namespace varve::service {

// Thread-safe. Each change is told once at most, and in the order of the changes.
class VmEvents {
public:
    // `kept`: whether the VM is nobody's yet. `publish` is called under a lock: it waits for nothing.
    VmEvents(const definitions::DefinitionStore& store, std::function<bool(const base::VmName& vm)> kept,
             std::function<void(const vm::VmEvent& event)> publish)
        : store_(store), kept_(std::move(kept)), publish_(std::move(publish)) {}

    // In the order of the changes, by one thread.
    void heard(const vm::VmEvent& event);
    // The VM is kept no more, and `kept` says so.
    void released(const base::VmName& vm);

private:
    const definitions::DefinitionStore& store_;
    const std::function<bool(const base::VmName& vm)> kept_;
    const std::function<void(const vm::VmEvent& event)> publish_;
    std::mutex mutex_;
    std::map<base::VmName, vm::VmEvent> withheld_;  // the last of each; under the mutex
};

}  // namespace varve::service
