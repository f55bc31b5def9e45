// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/api/overloaded.h"
#include "drivers/lvm_thin/context.h"

#include <bit>

namespace varve::lvm_thin {

using base::Errc;
using base::fail;
using base::Result;

namespace {

// FNV-1a (Fowler, Noll, Vo), 64 bits.
std::uint64_t hash(std::string_view text, std::uint64_t start) {
    constexpr std::uint64_t prime = 0x100000001b3;
    for (const char c : text) start = (start ^ static_cast<unsigned char>(c)) * prime;
    return start;
}

api::StateId id_of(Context& pool, std::map<LvUuid, api::StateId>& ids, const LvUuid& lv) {
    const std::lock_guard lock(pool.memory);
    const auto [known, is_new] = ids.try_emplace(lv);
    if (is_new) known->second = pool.ids.next();
    return known->second;
}

// A source is called by the name that its volume has now.
api::VolumeConfig config_of(const Records& records, const VolumeRecord& volume) {
    auto config = volume.config;
    if (!volume.source || !records.volumes.contains(*volume.source)) return config;
    std::visit(api::Overloaded{[&](api::Snapshot& snapshot) { snapshot.source.volume = records.path(*volume.source); },
                               [&](api::OriginSnapshot& snapshot) { snapshot.source.volume = records.path(*volume.source); }, [](auto&) {}},
               config.kind);
    return config;
}

struct Seen {
    api::VolumeConfig config;
    std::vector<std::pair<LvUuid, StateRecord>> states;
    std::map<LvUuid, Lv> lvs;
    std::optional<std::pair<LvUuid, SessionRecord>> session;
    std::optional<LvUuid> lost;  // of the committed state, which somebody has removed
};

std::optional<Seen> look_at(const Context& pool, const RecordId& id) {
    return pool.catalog.look([&](const Contents& now) -> std::optional<Seen> {
        const auto volume = now.records.volumes.find(id);
        if (volume == now.records.volumes.end()) return std::nullopt;
        Seen seen{config_of(now.records, volume->second), {}, {}, {}, {}};
        const auto take = [&](const LvUuid& lv) {
            if (const auto known = now.lvs.find(lv); known != now.lvs.end()) seen.lvs.insert(*known);
        };
        for (const auto& state : now.records.states) {
            if (state.second.volume != id) continue;
            seen.states.emplace_back(state);
            take(state.first);
        }
        if (const auto tagged = now.tagged.committed(id); tagged && !now.lvs.contains(*tagged)) seen.lost = tagged;
        if (const auto session = now.sessions.find(id); session != now.sessions.end()) {
            seen.session = session->second;
            take(session->second.first);
            if (session->second.second.base) take(session->second.second.base->lv);
        }
        return seen;
    });
}

}  // namespace

api::Identity identity_of(const LvUuid& lv) {
    constexpr std::uint64_t basis = 0xcbf29ce484222325;
    const auto device = hash(lv.text, basis);
    return {device, hash(lv.text, std::rotl(device, 32))};
}

std::optional<api::VolumeView> view_of(Context& pool, const RecordId& volume) {
    using Phase = api::Session::Phase;
    const auto seen = look_at(pool, volume);
    if (!seen) return std::nullopt;
    const auto phase = [&](const std::string& boot) { return boot == pool.boot.text ? Phase::Started : Phase::Dirty; };
    api::VolumeView view;
    view.config = seen->config;
    std::vector<api::Revision> revisions;
    for (const auto& [lv, record] : seen->states) {
        const auto& known = seen->lvs.at(lv);
        if (record.layerless) {
            view.session = api::Session{phase(record.layerless->boot), known.size, {}, true};
            continue;
        }
        api::State state{id_of(pool, pool.state_ids, lv),
                         identity_of(lv),
                         record.size,
                         pool.catalog.mapped(lv).value_or(record.size),  // as much as it may be
                         record.modified,
                         record.changed};
        if (record.revision)
            revisions.push_back({*record.revision, record.number, state, record.replaced});
        else
            view.committed = state;
    }
    view.revisions = api::Revisions(std::move(revisions));
    if (seen->lost) view.degraded = "the LV of its committed state (uuid " + seen->lost->text + ") is gone";
    if (!seen->session) return view;
    const auto& [lv, session] = *seen->session;
    view.session = api::Session{phase(session.boot), seen->lvs.at(lv).size, {}, false};
    if (session.base) {
        const auto used = pool.catalog.mapped(session.base->lv).value_or(session.base->size);
        view.session->base = api::State{id_of(pool, pool.base_ids, lv),
                                        identity_of(session.base->lv),
                                        session.base->size,
                                        used,
                                        session.base->modified,
                                        session.started};
    }
    return view;
}

Result<LvUuid> find_state(const Context& pool, const base::VolumePath& volume, const api::VolumeView& view, const api::StateRef& state) {
    const auto who = volume.str();
    const auto lv_of = [&](const api::Identity& identity, auto&& candidates) -> Result<LvUuid> {
        for (const auto& lv : candidates)
            if (identity_of(lv) == identity) return lv;
        return fail(Errc::NotFound, "that state of " + who + " is gone");
    };
    const auto states = [&] {
        return pool.catalog.look([&](const Contents& now) {
            std::vector<LvUuid> lvs;
            if (const auto id = now.records.find(volume))
                for (const auto& [lv, record] : now.records.states)
                    if (record.volume == *id) lvs.push_back(lv);
            return lvs;
        });
    };
    return std::visit(api::Overloaded{
                          [&](const api::CommittedState&) -> Result<LvUuid> {
                              if (view.committed) return lv_of(view.committed->identity, states());
                              if (view.session && view.session->no_snapshot_layer)
                                  return fail(Errc::Busy, who + " has no snapshot layer (revisions_to_keep is -1) and its VM runs");
                              return fail(Errc::NotFound, who + " has no committed state");
                          },
                          [&](const base::RevisionId& id) -> Result<LvUuid> {
                              if (const auto* revision = view.revisions.find(id)) return lv_of(revision->state.identity, states());
                              return fail(Errc::NotFound, who + " has no revision " + id.str());
                          },
                          [&](const api::BaseState&) -> Result<LvUuid> {
                              if (!view.session || !view.session->base) return fail(Errc::NotFound, who + " does not run from a base");
                              return lv_of(view.session->base->identity, pool.catalog.look([&](const Contents& now) {
                                  std::vector<LvUuid> lvs;
                                  for (const auto& [id, session] : now.sessions)
                                      if (session.second.base) lvs.push_back(session.second.base->lv);
                                  return lvs;
                              }));
                          },
                      },
                      state);
}

Result<base::UniqueFd> open_lv(Context& pool, const LvUuid& lv, Lvm::Access access) {
    constexpr int most_tries = 8;  // a rename may come between the name and the open
    for (int i = 0; i < most_tries; ++i) {
        auto fd = pool.lvm->open(TRY(pool.catalog.name_of(lv)), access);
        if (fd && TRY(pool.lvm->shown_by(fd->get())) == lv) return fd;
        if (!fd && fd.error().code != Errc::NotFound) return fd;
        const std::lock_guard lock(pool.commands);
        TRY(pool.catalog.refresh());  // a command that failed may have renamed it all the same
        TRY(pool.catalog.activate(lv, Catalog::Known::Wrong));
    }
    return fail(Errc::Busy, "the LV with the uuid " + lv.text + " cannot be opened: its name keeps changing");
}

}  // namespace varve::lvm_thin
