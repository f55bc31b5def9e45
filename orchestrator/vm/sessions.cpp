// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/sessions.h"

#include <algorithm>
#include <future>
#include <optional>
#include <utility>

namespace varve::vm {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using base::VolumeId;

// `body` for each volume in a thread of its own, the only one in this one.
template <class Body>
auto for_each(const std::vector<SessionVolume>& volumes, const Body& body) {
    std::vector<decltype(body(volumes.front()))> outcomes;
    outcomes.reserve(volumes.size());
    if (volumes.size() == 1) {
        outcomes.push_back(body(volumes.front()));
        return outcomes;
    }
    std::vector<std::future<decltype(body(volumes.front()))>> running;
    running.reserve(volumes.size());
    for (const auto& volume : volumes) running.push_back(std::async(std::launch::async, [&body, &volume] { return body(volume); }));
    for (auto& one : running) outcomes.push_back(one.get());
    return outcomes;
}

// The first error, with the others' messages behind it.
template <class Outcomes>
Result<> all_of(const Outcomes& outcomes) {
    std::optional<base::Error> first;
    for (const auto& outcome : outcomes) {
        if (outcome) continue;
        if (first)
            first->context += "; " + outcome.error().message();
        else
            first = outcome.error();
    }
    if (first) return base::Failure(std::move(*first));
    return {};
}

bool left_started(const std::optional<SessionRecord>& earlier, const VolumeId& volume) {
    if (!earlier || earlier->phase != SessionRecord::Phase::Starting) return false;
    return std::ranges::any_of(earlier->volumes, [&](const SessionVolume& one) { return one.volume == volume && !one.fresh; });
}

Result<SessionVolume> plan_volume(Storage& storage, const VolumeId& volume, const std::optional<SessionRecord>& earlier) {
    const auto facts = TRY(storage.look(volume));
    if (facts.size.count == 0) return fail(Errc::InvalidArgument, "the volume " + volume.str() + " has a size of 0: resize it first");
    switch (facts.state) {
        case VolumeState::Halted: return SessionVolume{volume, true};
        case VolumeState::Dirty: return SessionVolume{volume, false};
        case VolumeState::Writing:
            return SessionVolume{volume, true};  // the start waits for the writer for a moment, and says why it did not
        case VolumeState::Removed:
            return fail(Errc::NotFound,
                        "the volume " + volume.str() + " was removed, only revisions are left: bring one back with 'varve revert'");
        case VolumeState::Degraded:
            return fail(Errc::Degraded, "the volume " + volume.str() + " is degraded: 'varve info " + volume.str() +
                                            "' says what should be there and is not");
        case VolumeState::Started:
            if (left_started(earlier, volume)) return SessionVolume{volume, false};
            return fail(Errc::Busy, "the volume " + volume.str() + " is started already, by somebody else: stop or discard it first");
    }
    return fail(Errc::Corrupt, volume.str() + " is in no known state");
}

}  // namespace

VolumeId volume_id(const base::VmName& vm, const definitions::VolumeUse& use) { return {use.pool, vm, use.volume}; }

std::vector<base::PoolName> pools_of(const definitions::VmDefinition& vm) {
    std::vector<base::PoolName> pools;
    for (const auto& use : vm.volumes)
        if (std::ranges::find(pools, use.pool) == pools.end()) pools.push_back(use.pool);
    return pools;
}

Result<std::vector<SessionVolume>> plan_volumes(Storage& storage, const definitions::VmDefinition& vm,
                                                const std::optional<SessionRecord>& earlier) {
    std::vector<SessionVolume> planned;
    planned.reserve(vm.volumes.size());
    for (const auto& use : vm.volumes) planned.push_back(TRY(plan_volume(storage, volume_id(vm.name, use), earlier)));
    return planned;
}

Result<std::vector<Attachable>> start_volumes(Storage& storage, const std::vector<SessionVolume>& volumes) {
    auto outcomes = for_each(volumes, [&](const SessionVolume& one) -> Result<Attachable> {
        if (!one.fresh) {
            const auto facts = TRY(storage.look(one.volume));
            if (facts.state == VolumeState::Started && facts.device) return storage.attachable(*facts.device);
        }
        return storage.start(one.volume);
    });
    TRY(all_of(outcomes));
    std::vector<Attachable> started;
    started.reserve(outcomes.size());
    for (auto& outcome : outcomes) started.push_back(std::move(*outcome));
    return started;
}

Result<std::vector<StoppedVolume>> stop_volumes(Storage& storage, const std::vector<SessionVolume>& volumes) {
    const auto outcomes = for_each(volumes, [&](const SessionVolume& one) -> Result<std::optional<StoppedVolume>> {
        const auto facts = storage.look(one.volume);
        if (!facts && facts.error().code == Errc::NotFound) return std::optional<StoppedVolume>();
        if (!facts) return base::Failure(facts.error());
        if (facts->state != VolumeState::Started) return std::optional<StoppedVolume>();
        const auto outcome = TRY(storage.stop(one.volume));
        return std::optional(StoppedVolume{one.volume, outcome.committed, outcome.revision});
    });
    TRY(all_of(outcomes));
    std::vector<StoppedVolume> stopped;
    for (const auto& outcome : outcomes)
        if (*outcome) stopped.push_back(**outcome);
    return stopped;
}

Result<> drop_volumes(Storage& storage, const std::vector<SessionVolume>& volumes) {
    return all_of(for_each(volumes, [&](const SessionVolume& one) -> Result<> {
        if (!one.fresh) return {};
        const auto facts = storage.look(one.volume);
        if (!facts && facts.error().code == Errc::NotFound) return {};
        if (!facts) return base::Failure(facts.error());
        if (facts->state != VolumeState::Started) return {};
        auto dropped = storage.discard(one.volume);
        if (dropped || dropped.error().code != Errc::Unsupported) return dropped;
        // No layer to drop: what the start would have kept is what was there.
        (void)TRY(storage.stop(one.volume));
        return {};
    }));
}

Result<> end_session(Storage& storage, const SessionRecord& record) {
    if (record.phase == SessionRecord::Phase::Starting) return drop_volumes(storage, record.volumes);
    (void)TRY(stop_volumes(storage, record.volumes));
    return {};
}

Result<> discard_leftovers(Storage& storage, const definitions::VmDefinition& vm) {
    if (!std::holds_alternative<definitions::DisposableVm>(vm.vm_class)) return {};
    for (const auto& use : vm.volumes) {
        const auto volume = volume_id(vm.name, use);
        const auto facts = storage.look(volume);
        if (!facts && facts.error().code == Errc::NotFound) continue;
        if (!facts) return base::Failure(facts.error());
        if (facts->state == VolumeState::Dirty && !facts->kept) TRY(storage.discard(volume));
    }
    return {};
}

Result<> drop_session(Storage& storage, SessionRecords& records, SessionRecord record) {
    TRY(drop_volumes(storage, record.volumes));
    std::erase_if(record.volumes, [](const SessionVolume& one) { return one.fresh; });
    if (record.volumes.empty()) return records.remove(record.vm);
    record.phase = SessionRecord::Phase::Starting;
    return records.put(record);
}

}  // namespace varve::vm
