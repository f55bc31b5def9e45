// SPDX-License-Identifier: LGPL-2.1-or-later
// The queue's actions: each is begun in the loop, done by a worker, and its outcome told in the loop.
#include "orchestrator/preloading/preloading.h"

#include <set>
#include <utility>

namespace varve::preloading {

using base::Result;
using base::VmName;
using preload::RequestId;
namespace action = preload::action;
namespace event = preload::event;

namespace {

// An end that failed leaves the state as it was, so that no event need tell of the hypervisor's return. What has halted is removed as any disposable.
bool may_end_later(vm::VmState state, const base::Error& why) {
    if (state == vm::VmState::Halted) return false;
    return state == vm::VmState::Unknown || why.code == base::Errc::Io || why.code == base::Errc::TimedOut || why.code == base::Errc::Busy;
}

}  // namespace

// Reserving one writes a file, which the loop does not wait for: the queue is woken when there is a name.
std::optional<VmName> Preloading::take_name() {
    if (!names_.empty()) {
        auto name = std::move(names_.back());
        names_.pop_back();
        return name;
    }
    if (std::exchange(reserving_, true)) return {};
    loop_.work(Work::Short, [this] {
        loop_.post([this, name = makers_.reserve_name()] {
            reserving_ = false;
            if (!name) return report_({}, name.error());
            names_.push_back(*name);
            tell(event::Woken{});
        });
    });
    return {};
}

// ---- create

void Preloading::carry_out(const action::Create& create) {
    const auto& settings = settings_.templates.at(create.template_vm);
    const auto origin = origins_.find(create.template_vm);
    Entry entry{.record = {create.disposable, create.template_vm, Record::Phase::Creating,
                           origin == origins_.end() ? preload::Content() : origin->second.content}};
    entry.busy = true;
    const auto record = entry.record;
    entries_.insert_or_assign(create.disposable, std::move(entry));
    // Nobody may see it before it is known to be nobody's.
    publish();
    // Those that are being created may not have taken theirs yet.
    std::set<VmName> creating;
    for (const auto& [vm, each] : entries_)
        if (each.busy && !each.ran) creating.insert(vm);
    const base::Bytes others{settings.memory.count * (creating.size() - 1)};
    const auto needed = settings.memory + others + settings_.threshold;
    loop_.work(Work::Long, [this, record, needed, others, creating = std::move(creating)] {
        if (const auto free = workers_.shortage(record.template_vm, needed, creating)) {
            // Without what the others will take, or the next one would be tried at once.
            const auto left = *free > others ? *free - others : base::Bytes();
            loop_.post([this, vm = record.vm, left] { not_created(vm, left); });
            return;
        }
        loop_.post([this, vm = record.vm, outcome = workers_.create(record)] { created(vm, outcome); });
    });
}

void Preloading::not_created(const VmName& vm, base::Bytes free) {
    auto& entry = entries_.at(vm);
    entry.busy = false;
    if (entry.doomed) return end({vm});
    tell(event::NoMemory{vm, free});
}

void Preloading::created(const VmName& vm, const Result<>& outcome) {
    auto& entry = entries_.at(vm);
    entry.busy = false;
    if (entry.doomed) return end({vm});
    if (!outcome) {
        report_(vm.str(), outcome.error());
        return tell(event::Failed{vm, outcome.error().message()});
    }
    tell(event::Booted{vm});
    // A request may have taken it.
    if (!entry.busy && !entry.doomed) settle(entry);
}

void Preloading::settle(Entry& entry) {
    entry.busy = true;
    loop_.work(Work::Long, [this, record = entry.record, haste = entry.haste] {
        loop_.post([this, vm = record.vm, outcome = workers_.settle(record, *haste)] { settled(vm, outcome); });
    });
}

void Preloading::settled(const VmName& vm, const Result<>& outcome) {
    auto& entry = entries_.at(vm);
    entry.busy = false;
    if (entry.doomed) return end({vm});
    if (entry.resumed) {
        const auto request = entry.request;
        const auto template_vm = entry.record.template_vm;
        tell(event::Resumed{vm});
        use(vm);
        if (request) tell(event::HandOverFailed{vm, template_vm, *request});
        return;
    }
    if (entry.request) return begin_hand_over(entry);
    if (!outcome) {
        report_(vm.str(), outcome.error());
        return tell(event::Failed{vm, outcome.error().message()});
    }
    const auto info = machines_.info(vm);
    if (!info || info->state == vm::VmState::Halted || info->state == vm::VmState::Stopping) return tell(event::Gone{vm});
    tell(event::Paused{vm});
}

// ---- hand over

void Preloading::carry_out(const action::HandOver& hand_over) {
    auto& entry = entries_.at(hand_over.disposable);
    entry.request = hand_over.request;
    entry.haste->hurry();
    if (!entry.busy) begin_hand_over(entry);
}

void Preloading::begin_hand_over(Entry& entry) {
    entry.busy = true;
    entry.visible = true;
    publish();
    loop_.work(Work::Short, [this, record = entry.record, request = *entry.request, stood_still = entry.armed] {
        loop_.post(
            [this, vm = record.vm, request, outcome = workers_.hand_over(record, stood_still)] { handed_over(vm, request, outcome); });
        workers_.return_memory(record.vm);
    });
}

void Preloading::handed_over(const VmName& vm, RequestId request, const Result<HandOver>& outcome) {
    auto& entry = entries_.at(vm);
    if (outcome && *outcome == HandOver::Done) {
        answer(request, std::optional(vm));
        return release(vm);
    }
    if (!outcome) report_(vm.str(), outcome.error());
    const auto template_vm = entry.record.template_vm;
    entry.busy = false;
    entry.visible = false;
    // It may run by now: the resume may have come through.
    entry.doomed = !outcome;
    if (outcome) use(vm);
    tell(event::HandOverFailed{vm, template_vm, request, !outcome && outcome.error().code == base::Errc::Io});
}

void Preloading::carry_out(const action::StartCold& cold) { answer(cold.request, std::optional<VmName>()); }

void Preloading::carry_out(const action::BecameUsed& used) { use(used.disposable); }

void Preloading::use(const VmName& vm) {
    const auto found = entries_.find(vm);
    if (found == entries_.end()) return;
    const auto used = found->second.record;
    release(vm);
    loop_.work(Work::Short, [this, record = used] {
        if (const auto outcome = workers_.became_used(record); !outcome) report_(record.vm.str(), outcome.error());
        workers_.return_memory(record.vm);
    });
}

void Preloading::release(const VmName& vm) {
    entries_.erase(vm);
    publish();
    if (released_) released_(vm);
}

// ---- remove

void Preloading::carry_out(const action::Remove& remove) {
    std::vector<VmName> idle;
    for (const auto& vm : remove.disposables) {
        const auto found = entries_.find(vm);
        if (found == entries_.end()) continue;  // somebody uses it by now
        found->second.doomed = true;
        found->second.haste->hurry();
        if (!found->second.busy) idle.push_back(vm);
    }
    end(idle);
}

void Preloading::end(const std::vector<VmName>& vms) {
    for (const auto& vm : vms) entries_.at(vm).busy = true;
    if (vms.empty()) return;
    loop_.work(Work::Long, [this, vms] {
        for (const auto& vm : vms) loop_.post([this, vm, outcome = workers_.end(vm)] { ended(vm, outcome); });
    });
}

void Preloading::ended(const VmName& vm, const Result<>& outcome) {
    auto& entry = entries_.at(vm);
    entry.busy = false;
    const auto info = machines_.info(vm);
    entry.unknown = info && info->state == vm::VmState::Unknown;
    const bool tried_before = std::exchange(entry.stuck, !outcome && info && may_end_later(info->state, outcome.error()));
    if (!outcome && !(entry.stuck && tried_before)) report_(vm.str(), outcome.error());
    // What cannot be ended for another reason is left to people, as an ordinary disposable.
    if (!entry.stuck) {
        if (!outcome) (void)records_.remove(vm);  // also tried by who ended it
        release(vm);
    } else if (!end_again_at_) {
        end_again_at_ = loop_.now() + between_end_tries;
    }
    publish();
    check_waits();
    plan_wakeup();
}

void Preloading::end_again() {
    end_again_at_.reset();
    std::vector<VmName> vms;
    for (const auto& [vm, entry] : entries_)
        if (entry.stuck && !entry.busy) vms.push_back(vm);
    end(vms);
}

}  // namespace varve::preloading
