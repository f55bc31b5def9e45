// SPDX-License-Identifier: LGPL-2.1-or-later
// What the catalogue makes of a pool that it has just read: LVs that Qubes made get records, names follow their roles, leftovers go.
#include "drivers/lvm_thin/catalog.h"
#include "drivers/lvm_thin/lv_names.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>

namespace varve::lvm_thin {

using base::Result;

namespace {

// The LVs of one volume that no record knows.
struct Found {
    std::optional<Lv> committed;
    std::map<std::int64_t, Lv> revisions;  // by epoch
};

bool ours(const Lv& lv) { return std::ranges::find(lv.tags, lv_tag) != lv.tags.end(); }

std::map<base::VolumePath, Found> unknown_volumes(const Contents& seen) {
    std::map<base::VolumePath, Found> found;
    for (const auto& [uuid, lv] : seen.lvs) {
        if (seen.records.states.contains(uuid) || seen.records.garbage.contains(uuid) || ours(lv)) continue;
        const auto name = parse_name(lv.name);
        if (!name) continue;
        if (name->role == QubesName::Role::Committed) found[name->volume].committed = lv;
        if (name->role == QubesName::Role::Revision) found[name->volume].revisions.emplace(name->epoch, lv);
    }
    return found;
}

}  // namespace

// Without records every volume is an origin (as the file drivers have it). When its unsuffixed LV is missing the newest `-back` is current.
Records Catalog::adopted(const Contents& seen) const {
    auto records = seen.records;
    for (auto& [path, found] : unknown_volumes(seen)) {
        if (records.find(path)) continue;  // a volume of ours: what else bears its name is not it
        if (!found.committed && !found.revisions.empty()) {
            found.committed = std::prev(found.revisions.end())->second;
            found.revisions.erase(std::prev(found.revisions.end()));
        }
        const auto now = clock_.now();
        auto vm = records.find(path.vm);
        if (!vm) {
            vm = RecordId{unique_name()};
            records.vms.emplace(*vm, VmRecord{path.vm, {}, now});
        }
        const RecordId volume{unique_name()};
        VolumeRecord record{*vm, path.volume, {}};
        record.config.created = now;
        records.volumes.emplace(volume, std::move(record));
        records.states.emplace(found.committed->uuid, StateRecord{volume, now, now, found.committed->size});
        std::uint64_t number = 1;
        for (const auto& [epoch, lv] : found.revisions)
            records.states.emplace(lv.uuid, StateRecord{.volume = volume,
                                                        .modified = {epoch, 0},
                                                        .changed = {epoch, 0},
                                                        .size = lv.size,
                                                        .revision = base::TimedName{epoch, {}},
                                                        .number = number++});
        log(path.str(), "taken over from Qubes");
    }
    return records;
}

// Only what is Varve's own and has the driver's temporary grammar, and only when the records are there.
void Catalog::sweep() {
    const auto leftovers = look([](const Contents& now) {
        std::vector<Lv> found;
        if (now.marked)
            for (const auto& [uuid, lv] : now.lvs)
                if (ours(lv) && is_temporary(lv.name) && !now.records.states.contains(uuid) && !now.is_base(uuid) && !now.is_session(uuid))
                    found.push_back(lv);
        return found;
    });
    for (const auto& lv : leftovers) {
        const auto used = lvm_.in_use(lv.name);
        if (used && *used) continue;
        if (const auto removed = remove(lv.uuid); !removed)
            log_.warn("{}: {} stays until the next start: {}", pool_name_, full_name(lv.name), removed.error().message());
    }
}

Result<> Catalog::recover() {
    TRY(reload());
    auto records = look([&](const Contents& seen) { return adopted(seen); });
    const auto [known, marked] = look([](const Contents& seen) { return std::pair(seen.records, seen.marked); });
    if (records != known || !marked) TRY(commit(std::move(records)));
    collect();
    sweep();
    const auto volumes = look([](const Contents& now) {
        std::vector<RecordId> ids;
        for (const auto& [id, volume] : now.records.volumes) ids.push_back(id);
        return ids;
    });
    for (const auto& volume : volumes) settle_names(volume);
    return {};
}

// ---- names

std::optional<std::string> Catalog::wanted_name(const Contents& seen, const LvUuid& lv) const {
    const auto& known = seen.lvs.at(lv);
    const auto state = seen.records.states.find(lv);
    if (state == seen.records.states.end()) {
        const auto session = std::ranges::find_if(seen.sessions, [&](const auto& each) { return each.second.first == lv; });
        if (session == seen.sessions.end()) return std::nullopt;
        const auto& volume = seen.records.volumes.at(session->first);
        const auto path = seen.records.path(session->first);
        return std::holds_alternative<api::Volatile>(volume.config.kind) ? committed_name(path) : session_name(path);
    }
    const auto path = seen.records.path(state->second.volume);
    if (!state->second.revision) return state->second.layerless ? session_name(path) : committed_name(path);
    const auto beginning = committed_name(path) + "-";
    if (state->second.revision->label() != nullptr) {
        if (known.name.starts_with(beginning) && known.name.ends_with("-label")) return known.name;
        std::uint64_t number = 1;
        while (seen.find(label_name(path, number)) != nullptr) ++number;
        return label_name(path, number);
    }
    // Qubes reads the time when it became a revision in its name. Several of one second take the next ones.
    const auto present = parse_name(known.name);
    if (present && present->role == QubesName::Role::Revision && present->volume == path) return known.name;
    auto epoch = state->second.changed.seconds;
    while (seen.find(revision_name(path, epoch)) != nullptr) ++epoch;
    return revision_name(path, epoch);
}

void Catalog::settle_names(const RecordId& volume) {
    const auto lvs = look([&](const Contents& now) {
        std::vector<LvUuid> revisions_first;
        std::vector<LvUuid> others;
        for (const auto& [lv, state] : now.records.states)
            if (state.volume == volume) (state.revision ? revisions_first : others).push_back(lv);
        revisions_first.insert(revisions_first.end(), others.begin(), others.end());
        if (const auto session = now.sessions.find(volume); session != now.sessions.end()) revisions_first.push_back(session->second.first);
        return revisions_first;
    });
    for (const auto& lv : lvs) {
        const auto [present, wanted] = look([&](const Contents& now) { return std::pair(now.lvs.at(lv).name, wanted_name(now, lv)); });
        if (!wanted || *wanted == present) continue;
        auto renamed = free_name(*wanted);
        if (renamed) renamed = rename(lv, *wanted);
        if (!renamed)
            log_.warn("{}: {} keeps its name until the next start: {}", pool_name_, full_name(present), renamed.error().message());
    }
}

}  // namespace varve::lvm_thin
