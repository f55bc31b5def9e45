// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/lvm_thin/session_commands.h"

#include "drivers/lvm_thin/lv_names.h"
#include "drivers/lvm_thin/revision_records.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <cmath>
#include <thread>

namespace varve::lvm_thin {
namespace {

using base::Errc;
using base::fail;
using base::Result;

Records records_of(const Context& pool) {
    return pool.catalog.look([](const Contents& now) { return now.records; });
}

std::optional<std::pair<LvUuid, SessionRecord>> session_of(const Context& pool, const RecordId& volume) {
    return pool.catalog.look([&](const Contents& now) {
        const auto found = now.sessions.find(volume);
        return found == now.sessions.end() ? std::optional<std::pair<LvUuid, SessionRecord>>() : std::optional(found->second);
    });
}

// udev and its programs open a new or changed device for a moment.
Result<> wait_until_closed(const Context& pool, const base::VolumePath& path, const LvUuid& lv) {
    using namespace std::chrono_literals;
    const auto name = TRY(pool.catalog.name_of(lv));
    // Looks are counted, not the time: while the machine stands still they do not get done either.
    for (int left = 200; TRY(pool.lvm->in_use(name)); --left) {
        if (left == 0)
            return fail(Errc::Busy, path.str() + " cannot be stopped: its device " + pool.lvm->path_of(name).string() + " is still open");
        std::this_thread::sleep_for(10ms);
    }
    return {};
}

// ---- start

// Whoever had the name may have given it up since the catalogue was read.
Result<> free_name(Context& pool, const std::string& name) {
    auto freed = pool.catalog.free_name(name);
    if (freed || freed.error().code != Errc::Exists) return freed;
    TRY(pool.catalog.reload());
    return pool.catalog.free_name(name);
}

Result<> continue_session(Context& pool, const LvUuid& lv, SessionRecord session) {
    const auto old = session_tag(session);
    TRY(pool.catalog.activate(lv));
    session.boot = pool.boot.text;
    return pool.catalog.set_tags(lv, {old}, {session_tag(session)});
}

Result<> start_volatile(Context& pool, const base::VolumePath& path, const RecordId& volume, base::Bytes size) {
    const auto name = committed_name(path);  // as Qubes calls it
    const auto capacity = pool.catalog.rounded(size);
    TRY(free_name(pool, name));
    SessionRecord session{volume, pool.boot.text, capacity, pool.clock.now()};
    (void)TRY(pool.catalog.create(name, capacity, {session_tag(session)}, Lvm::Activation::Active));
    return {};
}

// One LVM command: the LV says itself whose session it is.
Result<> start_from(Context& pool, const base::VolumePath& path, const RecordId& volume, const LvUuid& origin,
                    std::optional<SessionRecord::Base> base) {
    const auto size = pool.catalog.look([&](const Contents& now) { return now.lvs.at(origin).size; });
    const auto name = session_name(path);
    TRY(free_name(pool, name));
    SessionRecord session{volume, pool.boot.text, size, pool.clock.now(), std::move(base)};
    (void)TRY(pool.catalog.snapshot(origin, name, {session_tag(session)}, Lvm::Activation::Active));
    return {};
}

// The guest writes the LV itself, so it must be nobody else's. The states kept so far go, but for the pinned ones.
Result<> start_without_layer(Context& pool, const RecordId& volume, LvUuid lv) {
    auto next = records_of(pool);
    const auto name = TRY(pool.catalog.name_of(lv));
    const auto is_base = pool.catalog.look([&](const Contents& now) { return now.is_base(lv); });
    auto state = next.states.at(lv);
    if (is_base || TRY(pool.lvm->in_use(name))) {
        const auto own = TRY(pool.catalog.snapshot(lv, temporary_name(pool.catalog.unique_name()), {}, Lvm::Activation::Active));
        next.states.erase(lv);
        next.garbage.insert(lv);
        const std::lock_guard lock(pool.memory);
        if (const auto id = pool.state_ids.find(lv); id != pool.state_ids.end()) pool.state_ids.insert_or_assign(own, id->second);
        lv = own;
    }
    TRY(pool.catalog.activate(lv));
    const auto size = pool.catalog.look([&](const Contents& now) { return now.lvs.at(lv).size; });
    const auto writes = TRY(pool.lvm->writes(TRY(pool.catalog.name_of(lv))));
    state.layerless = LayerlessSession{pool.boot.text, size, writes};
    next.states.insert_or_assign(lv, state);
    std::erase_if(next.states, [&](const auto& each) {
        const auto goes = each.second.volume == volume && each.second.revision && each.second.revision->timed() != nullptr;
        if (goes) next.garbage.insert(each.first);
        return goes;
    });
    TRY(pool.catalog.commit(std::move(next)));
    pool.catalog.forget_mapped(lv);
    pool.catalog.settle_names(volume);
    pool.catalog.collect();
    return {};
}

// ---- commit and stop

std::optional<std::uint64_t> writes_at_commit(const Context& pool, const LvUuid& lv) {
    const std::lock_guard lock(pool.memory);
    const auto found = pool.committed_at.find(lv);
    return found == pool.committed_at.end() ? std::nullopt : std::optional(found->second);
}

std::vector<api::Revision> revisions_in(const Records& records, const RecordId& volume) {
    std::vector<api::Revision> revisions;
    for (const auto& [each, state] : records.states)
        if (state.volume == volume && state.revision)
            revisions.push_back({*state.revision, state.number, {{}, {}, state.size, {}, state.modified, state.changed}, state.replaced});
    return revisions;
}

enum class Written { No, Yes, Unknown };

// The old state becomes a revision, and what can go, goes, in the same step. What was perhaps not written pushes nothing out.
Result<> replace_committed(Context& pool, const RecordId& volume, const LvUuid& lv, base::Bytes size, Written written,
                           const api::Retention& retention) {
    auto next = records_of(pool);
    const auto now = pool.clock.now();
    if (const auto old = next.committed(volume)) keep_as_revision(next, *old, now, {});
    next.states.insert_or_assign(lv, StateRecord{volume, now, now, size});
    if (written == Written::Yes) prune_records(next, volume, api::Revisions(revisions_in(next, volume)), retention);
    TRY(pool.catalog.commit(std::move(next)));  // the point of no return
    pool.catalog.settle_names(volume);
    pool.catalog.collect();
    return {};
}

// Zero counters prove nothing (the LV may have been activated again): then the thin pool's metadata tells.
Result<Written> was_written(Context& pool, const LvUuid& lv, const SessionRecord& session, const LvUuid& origin) {
    const auto size = pool.catalog.look([&](const Contents& now) { return now.lvs.at(lv).size; });
    const auto size_of_origin = pool.catalog.look([&](const Contents& now) { return now.lvs.at(origin).size; });
    if (size != session.size_at_start && size != size_of_origin)
        return Written::Yes;  // a commit while it ran may have been of the grown one
    const auto name = TRY(pool.catalog.name_of(lv));
    TRY(pool.catalog.activate(lv));
    const auto counted = pool.lvm->writes(name);
    const auto before = writes_at_commit(pool, lv);
    if (counted && *counted != 0 && !(before && *counted == *before)) return Written::Yes;
    const auto differing = pool.lvm->differing(TRY(pool.catalog.name_of(origin)), name);
    if (differing) return differing->empty() ? Written::No : Written::Yes;
    // An equal revision more is better than a VM that cannot be stopped.
    pool.log.warn("{}: {} is taken for written: {}", pool.settings.name.str(), name, differing.error().message());
    return Written::Unknown;
}

// Of a volume whose state somebody has removed the session is all there is.
Result<Written> differs_from_committed(Context& pool, const RecordId& volume, const LvUuid& lv, const SessionRecord& session) {
    const auto committed = records_of(pool).committed(volume);
    return committed ? was_written(pool, lv, session, *committed) : Written::Yes;
}

// Intent before effect: what is discarded before its removal must not be taken for a session.
Result<> drop_session(Context& pool, const LvUuid& lv, Records next) {
    next.garbage.insert(lv);
    TRY(pool.catalog.commit(std::move(next)));
    pool.catalog.collect();
    return {};
}

Result<> end_with_commit(Context& pool, const RecordId& volume, const LvUuid& lv, Written written, const api::Retention& retention) {
    const auto size = pool.catalog.look([&](const Contents& contents) { return contents.lvs.at(lv).size; });
    {
        // Not for writing: then udev would look into it, and it could not become idle.
        const auto opened = TRY(pool.lvm->open(TRY(pool.catalog.name_of(lv)), Lvm::Access::Read));
        if (::fsync(opened.get()) != 0) return base::fail_errno(errno, "cannot make what the VM wrote durable");
    }
    return replace_committed(pool, volume, lv, size, written, retention);
}

Result<> stop_without_layer(Context& pool, const base::VolumePath& path, const RecordId& volume, const LvUuid& lv,
                            const api::Retention& retention) {
    TRY(wait_until_closed(pool, path, lv));
    auto next = records_of(pool);
    auto& state = next.states.at(lv);
    const auto size = pool.catalog.look([&](const Contents& now) { return now.lvs.at(lv).size; });
    const auto name = TRY(pool.catalog.name_of(lv));
    const auto counted = pool.lvm->writes(name);
    if (state.layerless->boot != pool.boot.text || size != state.layerless->size_at_start || !counted ||
        *counted != state.layerless->writes_at_start) {
        state.modified = pool.clock.now();
        state.changed = state.modified;
        state.size = size;
    }
    state.layerless.reset();
    const auto view = view_of(pool, volume);
    prune_records(next, volume, view->revisions, retention);
    TRY(pool.catalog.commit(std::move(next)));
    pool.catalog.settle_names(volume);
    pool.catalog.collect();
    return {};
}

Result<> prune_only(Context& pool, const RecordId& volume, const api::Retention& retention, Records next) {
    const auto view = view_of(pool, volume);
    prune_records(next, volume, view->revisions, retention);
    TRY(pool.catalog.commit(std::move(next)));
    pool.catalog.collect();
    return {};
}

}  // namespace

Result<base::Percent> parse_watermark(std::string_view text) {
    const auto percent = TRY(base::parse_percent(text));
    if (percent.value > 0) return percent;
    return fail(Errc::InvalidArgument, "with '" + std::string(text) + "' nothing would ever start");
}

Result<> check_watermarks(const Context& pool) {
    const auto health = TRY(pool.lvm->health());
    const auto name = pool.settings.volume_group + "/" + pool.settings.thin_pool;
    if (!health.trouble.empty()) return fail(Errc::Degraded, "the thin pool " + name + " takes no writes: " + health.trouble);
    const auto refuse = [&](const char* what, double used, double mark) {
        const auto percent = [](double value) { return std::to_string(static_cast<int>(std::floor(value))) + "%"; };
        return fail(Errc::NoSpace, "the " + std::string(what) + " of the thin pool " + name + " is " + percent(used) +
                                       " full, and nothing starts from " + percent(mark) +
                                       " on: a guest would get I/O errors; remove revisions, or extend it with lvextend");
    };
    const auto used =
        health.data.count == 0 ? 100.0 : 100.0 * static_cast<double>(health.data_used.count) / static_cast<double>(health.data.count);
    if (used >= pool.settings.data_watermark.value) return refuse("data", used, pool.settings.data_watermark.value);
    if (health.metadata_percent >= pool.settings.metadata_watermark.value)
        return refuse("metadata", health.metadata_percent, pool.settings.metadata_watermark.value);
    return {};
}

Result<> start_session(Context& pool, const base::VolumePath& path, const RecordId& volume, const api::Start& start) {
    TRY(check_watermarks(pool));
    if (auto session = session_of(pool, volume)) return continue_session(pool, session->first, session->second);
    auto records = records_of(pool);
    const auto& config = records.volumes.at(volume).config;
    if (std::holds_alternative<api::Volatile>(config.kind)) return start_volatile(pool, path, volume, config.size);
    if (start.source) {
        const auto& where = start.source->where;
        const auto state = where.fixed ? api::StateRef(*where.fixed) : api::StateRef(api::CommittedState{});
        const auto lv = TRY(find_state(pool, where.volume, *start.source->view, state));
        const auto& record = records.states.at(lv);
        return start_from(pool, path, volume, lv, SessionRecord::Base{lv, record.modified, record.size});
    }
    const auto lv = records.committed(volume);
    if (!lv) return fail(Errc::NotFound, path.str() + " has no committed state to start from");
    auto& state = records.states.at(*lv);
    if (state.layerless) {  // dirty: it goes on
        TRY(pool.catalog.activate(*lv));
        state.layerless->boot = pool.boot.text;
        return pool.catalog.commit(std::move(records));
    }
    if (config.revisions_to_keep.value_or(pool.settings.revisions_to_keep).no_snapshot_layer())
        return start_without_layer(pool, volume, *lv);
    return start_from(pool, path, volume, *lv, {});
}

// LVM suspends the session's LV for the snapshot, after all that was written before.
Result<> commit_session(Context& pool, const base::VolumePath& path, const RecordId& volume, const api::Commit& commit) {
    const auto session = session_of(pool, volume);
    if (!session) return fail(Errc::InvalidArgument, path.str() + " is not started");
    const auto& [lv, record] = *session;
    const auto writes = pool.lvm->writes(TRY(pool.catalog.name_of(lv)));
    const auto written = TRY(differs_from_committed(pool, volume, lv, record));
    if (written == Written::No) return {};
    const auto state = TRY(pool.catalog.snapshot(lv, temporary_name(pool.catalog.unique_name()), {}, Lvm::Activation::Idle));
    const auto size = pool.catalog.look([&lv = lv](const Contents& contents) { return contents.lvs.at(lv).size; });
    TRY(replace_committed(pool, volume, state, size, written, commit.retention));
    if (!writes) return {};
    const std::lock_guard lock(pool.memory);
    pool.committed_at.insert_or_assign(lv, *writes);  // read before the snapshot: a write in between counts
    return {};
}

Result<> stop_session(Context& pool, const base::VolumePath& path, const RecordId& volume, const api::Stop& stop) {
    auto records = records_of(pool);
    const auto session = session_of(pool, volume);
    if (!session) {
        const auto lv = records.committed(volume);
        if (!lv || !records.states.at(*lv).layerless) return fail(Errc::InvalidArgument, path.str() + " is not started");
        return stop_without_layer(pool, path, volume, *lv, stop.retention);
    }
    const auto& [lv, record] = *session;
    TRY(wait_until_closed(pool, path, lv));
    if (stop.outcome == api::Stop::Outcome::Discard) return drop_session(pool, lv, std::move(records));
    const bool saves = api::saves_on_stop(records.volumes.at(volume).config.kind);
    const auto written = saves ? TRY(differs_from_committed(pool, volume, lv, record)) : Written::No;
    if (written != Written::No) return end_with_commit(pool, volume, lv, written, stop.retention);
    records.garbage.insert(lv);
    return prune_only(pool, volume, stop.retention, std::move(records));
}

}  // namespace varve::lvm_thin
