// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/catch_up.h"

#include "orchestrator/vm/commit.h"
#include "orchestrator/vm/sessions.h"
#include "orchestrator/vm/stop.h"

namespace varve::vm {
namespace {

using base::Errc;
using base::Result;
using base::VmName;
using hypervisor::Domain;
using hypervisor::DomainState;
using hypervisor::Hypervisor;

VmState state_of(const Domain& domain) { return domain.state == DomainState::Paused ? VmState::Paused : VmState::Running; }

}  // namespace

std::vector<Repaired> CatchUp::with_hypervisor(const std::string& uri) {
    std::vector<Repaired> all;
    std::set<VmName> vms;
    const auto records = world_.records.all();
    for (const auto& [vm, at] : world_.uris_of_all(records.value_or(std::vector<SessionRecord>())))
        if (at == uri) vms.insert(vm);
    // What starts from here on may be missing in the list.
    const auto had = board_.domains_of(vms);
    const auto domains = world_.hypervisors.at(uri).domains();
    if (!domains || !records) {
        mark_unknown(vms, (domains ? records.error() : domains.error()).message());
        return all;
    }
    std::set<definitions::Uuid> there;
    for (const auto& domain : *domains) there.insert(domain.uuid);
    for (const auto& one : had)
        if (!there.contains(one.domain)) board_.not_there(one);
    board_.wake(vms);  // an agent may have connected while nobody heard of it
    for (const auto& vm : vms) {
        auto repaired = with_vm(vm, uri);
        if (repaired.repair != Repair::Nothing || !repaired.trouble.empty()) all.push_back(std::move(repaired));
    }
    return all;
}

void CatchUp::with_left_sessions() {
    const auto records = world_.records.all();
    if (!records) return;  // a start of theirs tells why
    for (const auto& record : *records)
        if (board_.info(record.vm).state == VmState::Halted)
            (void)with_vm(record.vm, record.hypervisor);  // its trouble stands on the board
}

void CatchUp::mark_unknown(const std::set<VmName>& vms, const std::string& why) {
    for (const auto& vm : vms) {
        if (board_.info(vm).state != VmState::Halted || !world_.records.find(vm).value_or(std::nullopt)) continue;
        const auto claim = board_.claim(vm, {VmState::Halted}, "look at");
        if (!claim) continue;
        (*claim)->set_trouble(why);
        (*claim)->set_state(VmState::Unknown, why);
    }
}

Repaired CatchUp::with_vm(const VmName& vm, const std::string& uri) {
    // What is under way deals with itself.
    const auto claim = board_.claim(vm, {VmState::Halted, VmState::Unknown, VmState::Running, VmState::Paused}, "look at");
    if (!claim) return {vm, Repair::Nothing, {}};
    auto& hypervisor = world_.hypervisors.at(uri);
    const auto found = hypervisor.find_name(vm.str());
    if (!found && found.error().code != Errc::NotFound) return {vm, Repair::Nothing, found.error().message()};
    std::optional<Domain> domain;
    if (found && found->vm == vm && found->state != DomainState::Defined) domain = *found;
    const auto record = world_.records.find(vm);
    if (!record) return {vm, Repair::Nothing, record.error().message()};
    const auto repair =
        decide(*record ? std::optional((*record)->phase) : std::nullopt, domain ? std::optional(domain->state) : std::nullopt);
    const auto outcome = carry_out(repair, **claim, hypervisor, domain, *record);
    const bool thawed = outcome && repair == Repair::Adopt && *record && (*record)->frozen;
    if (outcome) return {vm, repair, {}, thawed ? "its file systems were thawed, which a commit that was cut off had frozen" : ""};
    (*claim)->set_trouble(outcome.error().message());
    return {vm, repair, outcome.error().message()};
}

Result<> CatchUp::carry_out(Repair repair, Claim& claim, Hypervisor& hypervisor, const std::optional<Domain>& domain,
                            const std::optional<SessionRecord>& record) {
    switch (repair) {
        case Repair::Nothing: claim.set_state(VmState::Halted); return {};
        case Repair::Undo: return undo(claim, hypervisor, domain, *record);
        case Repair::GoOn:
            TRY(hypervisor.resume(domain->uuid));
            return adopt(claim, hypervisor, {domain->uuid, domain->name, DomainState::Running, domain->vm}, record);
        case Repair::Adopt: return adopt(claim, hypervisor, *domain, record);
        case Repair::FinishStop: (void)TRY(finish_stop(world_, claim, "its domain went while nobody looked")); return {};
        case Repair::FinishRename:
        case Repair::UndoClone: return {};  // no matter of sessions
    }
    return {};
}

Result<> CatchUp::undo(Claim& claim, Hypervisor& hypervisor, const std::optional<Domain>& domain, const SessionRecord& record) {
    if (domain) {
        auto destroyed = hypervisor.destroy(domain->uuid);
        if (!destroyed && destroyed.error().code != Errc::NotFound) return destroyed;
    }
    claim.set_domain({});
    TRY(drop_session(world_.storage, world_.records, record));
    claim.set_state(VmState::Halted);
    return {};
}

Result<> CatchUp::adopt(Claim& claim, Hypervisor& hypervisor, const Domain& domain, const std::optional<SessionRecord>& record) {
    auto kept = record;
    if (!kept) {
        kept = SessionRecord{claim.vm(), SessionRecord::Phase::Running, hypervisor.uri(), {}};
        for (const auto& use : TRY(world_.definitions.find(claim.vm())).volumes)
            kept->volumes.push_back({volume_id(claim.vm(), use), false});
    }
    kept->phase = SessionRecord::Phase::Running;
    TRY(world_.records.put(*kept));
    if (claim.domain() != domain.uuid) claim.set_domain(domain.uuid);
    // The hypervisor did not answer when somebody resumed it.
    if (claim.state() == VmState::Paused && state_of(domain) == VmState::Running) resumed_(claim.vm());
    claim.set_trouble({});
    claim.set_state(state_of(domain));
    return thaw_left_frozen(world_, *kept, hypervisor, domain.uuid);
}

}  // namespace varve::vm
