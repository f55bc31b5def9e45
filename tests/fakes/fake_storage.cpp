// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/fakes/fake_storage.h"

#include <algorithm>
#include <utility>

namespace varve::fakes {

using base::Errc;
using base::fail;
using base::Failure;
using base::Result;
using base::VolumeId;
using vm::VolumeState;
using Volume = FakeVolumes::Volume;

namespace {

bool is_halted(const Volume& volume) { return volume.state == VolumeState::Halted || volume.state == VolumeState::Removed; }

std::string prefix_of(const base::PoolName& pool, const base::VmName& vm) { return pool.str() + "/" + vm.str() + "/"; }

}  // namespace

template <class Body>
auto FakeStorage::call(const std::string& name, Effect effect, Body body) {
    const auto run = [&]() -> decltype(body()) {
        const std::scoped_lock lock(pools_.mutex);
        calls_.push_back(name);
        TRY(faults_.enter(effect));
        if (const auto planned = failures_.find(name); planned != failures_.end()) {
            auto error = std::move(planned->second);
            failures_.erase(planned);
            return Failure(std::move(error));
        }
        auto done = body();
        if (!done) return Failure(std::move(done).error());
        TRY(faults_.leave());
        return done;
    };
    auto outcome = run();
    afterwards_.called(name);
    return outcome;
}

void FakeStorage::fail_next(const std::string& call, base::Error error) {
    const std::scoped_lock lock(pools_.mutex);
    failures_.emplace(call, std::move(error));
}

std::vector<std::string> FakeStorage::calls() const {
    const std::scoped_lock lock(pools_.mutex);
    return calls_;
}

Result<Volume*> FakeStorage::at(const VolumeId& volume) {
    const auto found = pools_.volumes.find(volume.str());
    if (found == pools_.volumes.end()) return fail(Errc::NotFound, "the volume " + volume.str() + " does not exist");
    return &found->second;
}

Result<vm::VolumeFacts> FakeStorage::look(const VolumeId& volume) {
    return call("look " + volume.str(), Effect::Reads, [&]() -> Result<vm::VolumeFacts> {
        const auto& found = *TRY(at(volume));
        vm::VolumeFacts facts{found.state, found.size, found.rw, found.kept, {}};
        if (found.state == VolumeState::Started) facts.device = device_of(volume);
        return facts;
    });
}

Result<std::vector<std::string>> FakeStorage::verify(const base::PoolName& pool, const base::VmName& vm) {
    return call("verify " + pool.str() + "/" + vm.str(), Effect::Reads,
                [&]() -> Result<std::vector<std::string>> { return pools_.findings; });
}

Result<vm::Attachable> FakeStorage::start(const VolumeId& volume) {
    return call("start " + volume.str(), Effect::Changes, [&]() -> Result<vm::Attachable> {
        auto& found = *TRY(at(volume));
        if (found.state == VolumeState::Started || found.state == VolumeState::Writing)
            return fail(Errc::Busy, volume.str() + " is in use");
        if (found.state == VolumeState::Halted) found.uncommitted = found.content;
        found.state = VolumeState::Started;
        return vm::Attachable{device_of(volume), domain_xml::SourceKind::File};
    });
}

Result<vm::StopOutcome> FakeStorage::stop(const VolumeId& volume) {
    return call("stop " + volume.str(), Effect::Changes, [&]() -> Result<vm::StopOutcome> {
        auto& found = *TRY(at(volume));
        if (is_halted(found)) return vm::StopOutcome{};
        const bool changed = found.kept && found.content != found.uncommitted;
        if (changed) found.content = found.uncommitted;
        found.commits += changed ? 1 : 0;
        found.state = VolumeState::Halted;
        return vm::StopOutcome{changed, changed ? "2026-01-01T00:00:00Z" : ""};
    });
}

Result<std::optional<vm::StopOutcome>> FakeStorage::commit(const VolumeId& volume) {
    return call("commit " + volume.str(), Effect::Changes, [&]() -> Result<std::optional<vm::StopOutcome>> {
        auto& found = *TRY(at(volume));
        if (found.state != VolumeState::Started) return std::nullopt;
        const bool changed = found.content != found.uncommitted;
        found.content = found.uncommitted;
        found.commits += changed ? 1 : 0;
        return vm::StopOutcome{changed, changed ? "2026-01-01T00:00:00Z" : ""};
    });
}

Result<> FakeStorage::discard(const VolumeId& volume) {
    return call("discard " + volume.str(), Effect::Changes, [&]() -> Result<> {
        auto& found = *TRY(at(volume));
        if (is_halted(found)) return {};
        found.uncommitted.clear();
        found.state = VolumeState::Halted;
        return {};
    });
}

Result<> FakeStorage::resize(const VolumeId& volume, base::Bytes size) {
    return call("resize " + volume.str(), Effect::Changes, [&]() -> Result<> {
        TRY(at(volume))->size = size;
        return {};
    });
}

Result<vm::Attachable> FakeStorage::attachable(const std::filesystem::path& path) {
    return call("attachable", Effect::Reads, [&]() -> Result<vm::Attachable> {
        const bool block = path.native().starts_with("/dev/");
        return vm::Attachable{path, block ? domain_xml::SourceKind::BlockDevice : domain_xml::SourceKind::File};
    });
}

// "/mount/pools/fast/work/root.img@kept".
Result<bool> FakeStorage::is_state(const std::filesystem::path& path) {
    return call("is_state", Effect::Reads, [&]() -> Result<bool> {
        return path.native().starts_with("/mount/pools/") && path.native().find(".img") != std::string::npos;
    });
}

Result<bool> FakeStorage::has_vm(const base::PoolName& pool, const base::VmName& vm) {
    return call("has " + pool.str() + "/" + vm.str(), Effect::Reads, [&]() -> Result<bool> {
        return std::ranges::any_of(pools_.volumes, [&](const auto& one) { return one.first.starts_with(prefix_of(pool, vm)); });
    });
}

Result<> FakeStorage::remove_vm(const base::PoolName& pool, const base::VmName& vm) {
    return call("remove " + pool.str() + "/" + vm.str(), Effect::Changes, [&]() -> Result<> {
        const auto its = [&](const auto& one) { return one.first.starts_with(prefix_of(pool, vm)); };
        const auto busy = std::ranges::find_if(pools_.volumes, [&](const auto& one) { return its(one) && !is_halted(one.second); });
        if (busy != pools_.volumes.end()) return fail(Errc::Busy, busy->first + " cannot be removed while it is started or dirty");
        std::erase_if(pools_.volumes, its);
        return {};
    });
}

Result<> FakeStorage::rename_vm(const base::PoolName& pool, const base::VmName& vm, const base::VmName& to) {
    return call("rename " + pool.str() + "/" + vm.str(), Effect::Changes, [&]() -> Result<> {
        const auto there = [&](const base::VmName& name) {
            return std::ranges::any_of(pools_.volumes, [&](const auto& one) { return one.first.starts_with(prefix_of(pool, name)); });
        };
        if (!there(vm)) return {};
        if (there(to)) return fail(Errc::Exists, pool.str() + "/" + to.str() + " exists already");
        std::map<std::string, Volume> renamed;
        for (const auto& [name, volume] : pools_.volumes) {
            const bool its = name.starts_with(prefix_of(pool, vm));
            renamed.emplace(its ? prefix_of(pool, to) + name.substr(prefix_of(pool, vm).size()) : name, volume);
        }
        pools_.volumes = std::move(renamed);
        return {};
    });
}

Result<> FakeStorage::clone_vm(const base::PoolName& pool, const base::VmName& vm, const base::VmName& to) {
    return call("clone " + pool.str() + "/" + vm.str(), Effect::Changes, [&]() -> Result<> {
        if (std::ranges::any_of(pools_.volumes, [&](const auto& one) { return one.first.starts_with(prefix_of(pool, to)); }))
            return fail(Errc::Exists, pool.str() + "/" + to.str() + " exists already");
        std::map<std::string, Volume> made;
        for (const auto& [name, volume] : pools_.volumes)
            if (name.starts_with(prefix_of(pool, vm)))
                made.emplace(prefix_of(pool, to) + name.substr(prefix_of(pool, vm).size()),
                             Volume{.size = volume.size, .content = volume.content});
        pools_.volumes.merge(made);
        return {};
    });
}

// ---- records

Result<std::vector<vm::SessionRecord>> FakeSessionRecords::all() {
    const std::scoped_lock lock(pools_.mutex);
    TRY(faults_.enter(Effect::Reads));
    std::vector<vm::SessionRecord> found;
    for (const auto& [name, record] : pools_.records) found.push_back(record);
    return found;
}

Result<std::optional<vm::SessionRecord>> FakeSessionRecords::find(const base::VmName& vm) {
    const std::scoped_lock lock(pools_.mutex);
    TRY(faults_.enter(Effect::Reads));
    const auto found = pools_.records.find(vm.str());
    return found == pools_.records.end() ? std::optional<vm::SessionRecord>() : std::optional(found->second);
}

Result<> FakeSessionRecords::put(const vm::SessionRecord& record) {
    const std::scoped_lock lock(pools_.mutex);
    TRY(faults_.enter(Effect::Changes));
    pools_.records.insert_or_assign(record.vm.str(), record);
    return faults_.leave();
}

Result<> FakeSessionRecords::remove(const base::VmName& vm) {
    const std::scoped_lock lock(pools_.mutex);
    TRY(faults_.enter(Effect::Changes));
    pools_.records.erase(vm.str());
    return faults_.leave();
}

}  // namespace varve::fakes
