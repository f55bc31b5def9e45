// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/service/vm_events.h"

namespace varve::service {

void VmEvents::heard(const vm::VmEvent& event) {
    const std::scoped_lock lock(mutex_);
    if (kept_(event.vm)) {
        withheld_.insert_or_assign(event.vm, event);
        return;
    }
    // Who released it comes late: this is newer.
    withheld_.erase(event.vm);
    publish_(event);
}

void VmEvents::released(const base::VmName& vm) {
    const std::scoped_lock lock(mutex_);
    const auto last = withheld_.extract(vm);
    if (!last.empty() && store_.find(vm)) publish_(last.mapped());
}

}  // namespace varve::service
