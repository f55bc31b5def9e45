// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/preloading/workers.h"

#include "orchestrator/disposables/make.h"

#include <utility>

namespace varve::preloading {

using base::Bytes;
using base::Errc;
using base::Result;
using base::VmName;

std::optional<Bytes> Workers::shortage(const VmName& template_vm, Bytes needed, const std::set<VmName>& counted) const {
    const auto free = machines_.free_memory(template_vm, counted);
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

Result<HandOver> Workers::hand_over(Record record, bool stood_still) const {
    const auto info = TRY(machines_.info(record.vm));
    if (stood_still && info.state == vm::VmState::Running) return HandOver::Used;
    // The point of no return: whatever happens from here on, nobody else gets it.
    record.phase = Record::Phase::Requested;
    TRY(records_.put(record));
    if (info.state != vm::VmState::Paused && info.state != vm::VmState::Running)
        return base::fail(Errc::NotFound, "'" + record.vm.str() + "' ended before it was handed over");
    TRY(bring_networks(record));
    if (info.state == vm::VmState::Paused) {
        auto resumed = machines_.resume(record.vm);
        const bool refused = !resumed && resumed.error().code == Errc::Busy;
        if (refused && stood_still && TRY(machines_.info(record.vm)).state == vm::VmState::Running) return HandOver::Used;
        TRY(std::move(resumed));
    }
    TRY(records_.remove(record.vm));
    return HandOver::Done;
}

Result<> Workers::became_used(Record record) const {
    // It may be paused again before its networks have come. Without room for that word it gets them all the same.
    record.phase = Record::Phase::Used;
    (void)records_.put(record);
    auto networks = bring_networks(record);
    const auto info = machines_.info(record.vm);
    // Its hypervisor does not answer: the next orchestrator tries again.
    if (!networks && info && info->state == vm::VmState::Unknown) return networks;
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
    // Whatever it has now: it may be on its way to what it was asked for before. A guest that has less than it should is slower, no more.
    if (definition) (void)machines_.set_memory(vm, definition->memory.initial);
}

}  // namespace varve::preloading
