// SPDX-License-Identifier: LGPL-2.1-or-later
// After an earlier orchestrator: what becomes of the preloads that it left.
#include "orchestrator/preloading/preloading.h"

#include <utility>

namespace varve::preloading {

using Phase = Record::Phase;
namespace event = preload::event;

void Preloading::recover() {
    apply(take_stock({system_, {}, {}}));
    event::Recovered recovered;
    const auto records = records_.all();
    if (!records) report_({}, records.error());
    for (const auto& record : records.value_or(std::vector<Record>())) {
        const auto info = machines_.info(record.vm);
        const bool gone = !info || info->state == vm::VmState::Halted;
        // One that ran when it was ready was resumed by somebody.
        const bool ran = !gone && record.phase != Phase::Creating && info->state == vm::VmState::Running;
        const bool used = !gone && (ran || record.phase == Phase::Used);
        if (gone || used) {
            // A record that stays says the same to the next orchestrator.
            const auto outcome = gone ? records_.remove(record.vm) : workers_.became_used(record);
            if (!outcome) report_(record.vm.str(), outcome.error());
            continue;
        }
        Entry entry{.record = record};
        entry.ran = entry.armed = true;
        // Somebody may use it: neither handed out nor removed before its hypervisor has said how it is.
        entry.unknown = info->state == vm::VmState::Unknown && record.phase != Phase::Creating;
        if (!entry.unknown) recovered.left.push_back(left_of(record, info->state));
        entries_.insert_or_assign(record.vm, std::move(entry));
    }
    tell(recovered);
    begun_ = records_.begun();
    if (begun_) tell(event::Begin{});
}

event::Left Preloading::left_of(const Record& record, vm::VmState state) const {
    const auto definition = store_.find(record.vm);
    const auto now = inherited_.find(record.template_vm);
    const bool same = definition && now != inherited_.end() && inherited_by(*definition) == now->second;
    const bool ready = record.phase == Phase::Ready && state == vm::VmState::Paused;
    return {record.vm, record.template_vm, same && ready, record.content};
}

void Preloading::became_known(const base::VmName& vm, Entry& entry, vm::VmState state) {
    entry.unknown = false;
    if (entry.doomed) return end({vm});
    if (state == vm::VmState::Running) return use(vm);
    tell(event::Recovered{{left_of(entry.record, state)}});
}

}  // namespace varve::preloading
