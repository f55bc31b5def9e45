// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/board/gather.h"

#include "fs/engine/volume_state.h"

#include <algorithm>
#include <span>
#include <utility>

namespace varve::board {
namespace {

using engine::VolumeState;
using protocol::BoardPool;
using protocol::BoardVolume;

// The first so many of each sort.
class Chosen {
public:
    void add(const BoardVolume& volume, bool urgent) {
        ++count_;
        auto& list = urgent ? urgent_ : others_;
        if (list.size() < protocol::board_volumes) list.push_back(volume);
    }
    [[nodiscard]] std::uint64_t count() const { return count_; }
    [[nodiscard]] std::vector<BoardVolume> take() {
        const auto room = protocol::board_volumes - urgent_.size();
        if (others_.size() > room) others_.resize(room);
        urgent_.insert(urgent_.end(), others_.begin(), others_.end());
        return std::move(urgent_);
    }

private:
    std::uint64_t count_ = 0;
    std::vector<BoardVolume> urgent_;
    std::vector<BoardVolume> others_;
};

std::uint64_t size_of(const api::VolumeView& view) {
    if (view.session) return view.session->size.count;
    return view.committed ? view.committed->size.count : 0;
}

void count(VolumeState state, BoardPool& pool) {
    ++pool.volumes;
    switch (state) {
        case VolumeState::Started: ++pool.started; break;
        case VolumeState::Dirty: ++pool.dirty; break;
        case VolumeState::Writing: ++pool.writing; break;
        case VolumeState::Removed: ++pool.removed; break;
        case VolumeState::Degraded: ++pool.degraded; break;
        case VolumeState::Halted: break;
    }
}

void gather_vm(engine::Vm& vm, const std::string& prefix, const Troubles& troubles, BoardPool& pool, Chosen& chosen) {
    ++pool.vms;
    const auto writes = vm.writes().progress();
    const auto view = vm.view();
    const auto vm_name = vm.name();
    for (const auto& [name, volume] : view->volumes) {
        const auto write = std::ranges::find_if(
            writes, [&, &wanted = name](const auto& each) { return !each.restores_revision && each.volume == wanted; });
        const auto state = engine::state_of(*volume, write != writes.end());
        count(state, pool);
        pool.revisions += volume->revisions.size();
        const bool quiet = state == VolumeState::Halted || state == VolumeState::Removed;
        if (quiet && troubles.empty()) continue;
        const auto path = prefix + vm_name.str() + "/" + name.str();
        const auto noted = troubles.find(path);
        if (quiet && noted == troubles.end()) continue;
        const std::string_view trouble = noted == troubles.end() ? std::string_view(volume->degraded) : std::string_view(noted->second);
        chosen.add({path, engine::name_of(state), trouble, size_of(*volume), write == writes.end() ? 0 : write->written.count},
                   state != VolumeState::Started || !trouble.empty());
    }
    // A volume that is only being made has no view yet.
    for (const auto& write : writes) {
        if (write.restores_revision || view->volumes.contains(write.volume)) continue;
        ++pool.volumes;
        ++pool.writing;
        const auto path = prefix + vm_name.str() + "/" + write.volume.str();
        chosen.add({path, engine::name_of(VolumeState::Writing), {}, 0, write.written.count}, true);
    }
}

std::string trouble_of(const engine::OpenPool& pool, const Spaces& spaces) {
    const auto space = spaces.by_pool.find(pool.name());
    if (space != spaces.by_pool.end() && !space->second.trouble.empty()) return space->second.trouble;
    const auto& unreadable = pool.unreadable_vms();
    return unreadable.empty() ? std::string() : unreadable.front().message();
}

BoardPool gather_pool(const engine::OpenPool& pool, const Spaces& spaces, const Troubles& troubles, Chosen& chosen) {
    BoardPool shown;
    shown.name = pool.name().str();
    shown.driver = pool.driver_name();
    shown.open = 1;
    shown.trouble = trouble_of(pool, spaces);
    if (const auto found = spaces.by_pool.find(pool.name()); found != spaces.by_pool.end() && found->second.space) {
        shown.size = found->second.space->size.count;
        shown.used = found->second.space->used.count;
    }
    shown.unreadable_vms = pool.unreadable_vms().size();
    const auto prefix = pool.name().str() + "/";
    for (const auto& vm : pool.vms()) gather_vm(*vm, prefix, troubles, shown, chosen);
    return shown;
}

}  // namespace

Spaces gather_spaces(const engine::Catalogue& catalogue) {
    Spaces spaces;
    for (const auto& pool : catalogue.pools()) {
        const auto space = pool->driver().space();
        spaces.by_pool[pool->name()] = space ? Spaces::Space{*space, {}} : Spaces::Space{std::nullopt, space.error().message()};
    }
    return spaces;
}

Gathered gather(const engine::Catalogue& catalogue, const std::vector<base::PoolName>& closed, const Spaces& spaces,
                const Troubles& troubles) {
    Gathered all;
    Chosen chosen;
    const auto add = [&](const BoardPool& pool) {
        ++all.all_pools;
        if (all.pools.size() < protocol::board_pools) all.pools.push_back(pool);
    };
    // First what somebody should look after.
    for (const auto& name : closed) {
        if (catalogue.find(name)) continue;
        BoardPool pool;
        pool.name = name.str();
        pool.trouble = "it is configured, but not open: the log and .varve/errors say why";
        add(pool);
    }
    for (const auto& pool : catalogue.pools()) add(gather_pool(*pool, spaces, troubles, chosen));
    all.all_volumes = chosen.count();
    all.volumes = chosen.take();
    return all;
}

}  // namespace varve::board
