// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/preloading/workers.h"

#include "orchestrator/disposables/make.h"

#include <utility>

namespace varve::preloading {

using base::Bytes;
using base::Errc;
using base::Result;
using base::VmName;

std::optional<Bytes> Workers::shortage(const VmName& template_vm, Bytes needed) const {
    const auto free = machines_.free_memory(template_vm);
    // A hypervisor that does not answer fails the start, which says so.
    if (!free || *free >= needed) return {};
    return *free;
}

Result<> Workers::create(const Record& record) const {
    TRY(records_.put(record));
    TRY(makers_.make(record.vm, record.template_vm));
    (void)TRY(machines_.start(record.vm, {}));
    return {};
}

Result<> Workers::settle(Record record, Haste& haste) const {
    give_back(machines_, record.vm, [&](std::chrono::milliseconds longest) { return haste.wait(longest); });
    if (haste.hurried()) return {};
    TRY(machines_.pause(record.vm));
    record.phase = Record::Phase::Ready;
    return records_.put(record);
}

Result<> Workers::hand_over(Record record) const {
    // The point of no return: whatever happens from here on, nobody else gets it.
    record.phase = Record::Phase::Requested;
    TRY(records_.put(record));
    const auto info = TRY(machines_.info(record.vm));
    if (info.state != vm::VmState::Paused && info.state != vm::VmState::Running)
        return base::fail(Errc::Io, "'" + record.vm.str() + "' ended before it was handed over");
    TRY(bring_networks(record));
    if (info.state == vm::VmState::Paused) TRY(machines_.resume(record.vm));
    return records_.remove(record.vm);
}

Result<> Workers::became_used(const Record& record) const {
    const auto networks = bring_networks(record);
    TRY(records_.remove(record.vm));
    return networks;
}

// It was made with the networks that its template had then. A template that has changed otherwise outdates it.
Result<> Workers::bring_networks(const Record& record) const {
    const auto wanted = disposables::interfaces_of(TRY(store_.find(record.template_vm)));
    if (TRY(store_.find(record.vm)).interfaces == wanted) return {};
    auto changed = machines_.set_networks(record.vm, wanted);
    if (!changed)
        return base::Failure(base::with_context(std::move(changed).error(), "cannot give '" + record.vm.str() + "' its networks"));
    return changed;
}

Result<> Workers::end(const VmName& vm) const {
    TRY(makers_.end(vm));
    return records_.remove(vm);
}

void Workers::return_memory(const VmName& vm) const {
    const auto definition = store_.find(vm);
    const auto memory = machines_.memory(vm);
    // A guest that has less than it should is slower, no more.
    if (definition && memory && memory->now < definition->memory.initial) (void)machines_.set_memory(vm, definition->memory.initial);
}

}  // namespace varve::preloading
