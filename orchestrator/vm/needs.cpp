// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/needs.h"

#include "orchestrator/definitions/rules.h"

#include <algorithm>
#include <utility>

namespace varve::vm {

using base::Errc;
using base::fail;
using base::Result;
using base::VmName;
using definitions::VmDefinition;

Result<> Needs::start(const VmDefinition& vm, std::vector<StartReport>& started, const StageListener& listener) {
    TRY(check_references(vm));
    for (const auto& needed : vm.needs) {
        auto report = TRY(ensure_runs(needed, vm.name.str() + " needs " + needed.str(), listener));
        if (report) started.push_back(std::move(*report));
    }
    return {};
}

Result<> Needs::check_references(const VmDefinition& vm) const {
    const auto wrong = definitions::wrong_references(world_.definitions.snapshot(), vm);
    if (wrong.empty()) return {};
    std::string all;
    for (const auto& one : wrong) all.append(all.empty() ? "" : "; ").append(one);
    return fail(Errc::InvalidArgument, std::move(all));
}

Result<std::optional<StartReport>> Needs::ensure_runs(const VmName& vm, const std::string& why, const StageListener& listener) {
    while (true) {
        auto state = board_.info(vm).state;
        if (state == VmState::Starting) {
            // Its own deadlines end its start; this one only keeps a bug from waiting for ever.
            const auto patience = std::chrono::steady_clock::now() + world_.settings.patience + readiness_deadline(vm);
            state = board_.wait_for(vm, {VmState::Running, VmState::Paused, VmState::Halted, VmState::Unknown}, patience);
        }
        if (state == VmState::Running) return std::optional<StartReport>();
        if (state == VmState::Paused) return fail(Errc::Busy, why + ", which is paused: resume it first");
        auto report = machines_.start(vm, listener);
        if (report) return std::optional(std::move(*report));
        // Somebody else has begun it, or its stop was called off.
        const auto now = board_.info(vm).state;
        if (report.error().code != Errc::Busy || (now != VmState::Starting && now != VmState::Running))
            return fail(report.error().code, why + ", which could not be started");
    }
}

std::chrono::milliseconds Needs::readiness_deadline(const VmName& vm) const {
    const auto definition = world_.definitions.find(vm);
    return definition ? definition->readiness.deadline : std::chrono::milliseconds(0);
}

void Needs::stop(const VmName& vm, const std::vector<StartReport>& started, const StageListener& listener) {
    for (auto left = started.size(); left > 0; --left) {
        const auto& one = started[left - 1];
        if (needed_by_others(one.vm)) continue;
        StopRequest request;
        // Another start may have begun since, and rely on it.
        request.agree = [&] { return needed_by_others(one.vm) ? fail(Errc::Busy, one.vm.str() + " is needed by another VM") : Result<>(); };
        const auto stopped = machines_.stop(one.vm, request, listener);
        if (listener)
            listener({vm, Stage::Needs, StageEvent::What::Undone, {}, one.vm.str() + (stopped ? " was stopped again" : " runs on")});
        stop(one.vm, one.needed, listener);
    }
}

bool Needs::needed_by_others(const VmName& vm) const {
    return std::ranges::any_of(world_.definitions.all(), [&](const VmDefinition& other) {
        return std::ranges::find(other.needs, vm) != other.needs.end() && board_.info(other.name).state != VmState::Halted;
    });
}

}  // namespace varve::vm
