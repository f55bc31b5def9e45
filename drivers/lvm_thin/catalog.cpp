// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/lvm_thin/catalog.h"

#include "drivers/lvm_thin/lv_names.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <random>

namespace varve::lvm_thin {

using base::Errc;
using base::fail;
using base::Result;

const Lv* Contents::find(std::string_view name) const {
    const auto found = std::ranges::find_if(lvs, [&](const auto& each) { return each.second.name == name; });
    return found == lvs.end() ? nullptr : &found->second;
}

bool Contents::is_session(const LvUuid& lv) const {
    return std::ranges::any_of(sessions, [&](const auto& each) { return each.second.first == lv; });
}

bool Contents::is_base(const LvUuid& lv) const {
    return std::ranges::any_of(sessions, [&](const auto& each) { return each.second.second.base && each.second.second.base->lv == lv; });
}

bool Contents::is_in_work(const LvUuid& lv) const {
    const auto state = records.states.find(lv);
    return is_session(lv) || (state != records.states.end() && state->second.layerless);
}

void Catalog::log(std::string_view who, std::string_view what) const { log_.info("{}/{}: {}", pool_name_, who, what); }

template <class T>
Result<T> Catalog::checked(Result<T> result) {
    if (!result) stale_ = true;
    return result;
}

Result<> Catalog::refresh() {
    if (!stale_) return {};
    return reload();
}

Result<> Catalog::reload() {
    const std::lock_guard sizes_lock(sizes_);
    auto group = TRY(lvm_.look());
    Contents seen;
    seen.extent = group.extent;
    std::optional<std::vector<std::string>> tags;
    for (auto& lv : group.lvs) {
        if (lv.name == where_.thin_pool) {
            tags = std::move(lv.tags);
        } else if (lv.pool == where_.thin_pool) {
            const auto uuid = lv.uuid;
            seen.lvs.emplace(uuid, std::move(lv));
        } else {
            seen.other_names.insert(std::move(lv.name));
        }
    }
    if (!tags) return fail(Errc::NotFound, "there is no thin pool " + full_name(where_.thin_pool));
    seen.marked = std::ranges::find(*tags, pool_tag) != tags->end();
    seen.records = TRY(parse_records(*tags));
    for (const auto& [uuid, lv] : seen.lvs) {
        if (seen.records.states.contains(uuid) || seen.records.garbage.contains(uuid)) continue;
        auto session = TRY(parse_session(lv.tags));
        if (!session) continue;
        const auto volume = session->volume;
        if (!seen.records.volumes.contains(volume))
            seen.findings.push_back({full_name(lv.name), "it is the session of a volume that no record names; it is left alone"});
        else if (!seen.sessions.emplace(volume, std::pair(uuid, *std::move(session))).second)
            seen.findings.push_back({full_name(lv.name), "its volume has another session; it is left alone"});
    }
    // States whose LVs somebody has removed are gone.
    seen.tagged = seen.records;
    std::erase_if(seen.records.states, [&](const auto& state) {
        if (seen.lvs.contains(state.first)) return false;
        seen.findings.push_back(
            {seen.records.path(state.second.volume).str(), "the LV of a state (uuid " + state.first.text + ") is gone"});
        return true;
    });
    for (const auto& finding : seen.findings) log_.warn("{}: {}: {}", pool_name_, finding.object, finding.what);
    const std::lock_guard lock(mutex_);
    now_ = std::move(seen);
    stale_ = false;
    return {};
}

// ---- the records

// A committed state whose LV somebody has removed stays on record until another takes its place: its volume says so as long.
Records Catalog::with_lost_states(Records records) const {
    const auto tagged = look([](const Contents& now) { return now.tagged.states; });
    for (const auto& [lv, state] : tagged) {
        const bool there = look([&lv = lv](const Contents& now) { return now.lvs.contains(lv); });
        if (there || state.revision || !records.volumes.contains(state.volume) || records.committed(state.volume)) continue;
        records.states.emplace(lv, state);
    }
    return records;
}

Result<> Catalog::commit(Records next) {
    const auto before = look([](const Contents& now) { return now.tagged; });
    std::erase_if(next.garbage, [&](const LvUuid& lv) { return look([&](const Contents& now) { return !now.lvs.contains(lv); }); });
    auto tagged = with_lost_states(next);
    auto groups = changes(before, tagged, Lvm::most_tags - 1);
    if (look([](const Contents& now) { return !now.marked; })) {
        if (groups.empty()) groups.emplace_back();
        groups.front().add.emplace_back(pool_tag);
    }
    for (const auto& group : groups) TRY(checked(lvm_.change_tags(where_.thin_pool, group.remove, group.add)));
    const std::lock_guard lock(mutex_);
    now_.records = std::move(next);
    now_.tagged = std::move(tagged);
    now_.marked = true;
    std::erase_if(now_.sessions, [&](const auto& session) {
        const auto& lv = session.second.first;
        return now_.records.states.contains(lv) || now_.records.garbage.contains(lv);
    });
    return {};
}

void Catalog::collect() {
    const auto garbage = look([](const Contents& now) {
        std::vector<Lv> found;
        for (const auto& uuid : now.records.garbage)
            if (const auto lv = now.lvs.find(uuid); lv != now.lvs.end() && !now.is_base(uuid)) found.push_back(lv->second);
        return found;
    });
    for (const auto& lv : garbage) {
        const auto used = lvm_.in_use(lv.name);
        if (used && *used) continue;  // it goes when its last reader does
        if (const auto removed = remove(lv.uuid); !removed)
            log_.warn("{}: {} stays for now: {}", pool_name_, full_name(lv.name), removed.error().message());
    }
}

// ---- LVs

// LVM counts extents with 32 bits.
Result<> Catalog::check_size(base::Bytes size) const {
    constexpr std::uint64_t most = 0xffffffff;
    const auto extent = look([](const Contents& now) { return now.extent.count; });
    if (size.count / extent < most) return {};
    return fail(Errc::TooLarge, base::human(size) + " is more than an LV can have in volume group " + where_.volume_group +
                                    ", whose extents have " + base::human({extent}));
}

Result<LvUuid> Catalog::create(const std::string& name, base::Bytes size, std::vector<std::string> tags, Activation activation) {
    TRY(check_size(size));
    tags.emplace_back(lv_tag);
    auto uuid = TRY(checked(lvm_.create(name, size, tags, activation)));
    log(name, "created, " + base::human(size));
    auto session = TRY(parse_session(tags));
    const std::lock_guard lock(mutex_);
    now_.lvs.insert_or_assign(uuid, Lv{uuid, name, where_.thin_pool, size, std::move(tags), activation == Activation::Active});
    if (activation == Activation::Idle) now_.mapped.insert_or_assign(uuid, base::Bytes{});
    if (session) now_.sessions.insert_or_assign(session->volume, std::pair(uuid, *session));
    return uuid;
}

Result<LvUuid> Catalog::snapshot(const LvUuid& origin, const std::string& name, std::vector<std::string> tags, Activation activation) {
    tags.emplace_back(lv_tag);
    const auto from = TRY(name_of(origin));
    const auto shared = activation == Activation::Idle ? mapped(origin) : std::nullopt;
    auto uuid = TRY(checked(lvm_.snapshot(from, name, tags, activation)));
    log(name, "snapshot of " + from);
    auto session = TRY(parse_session(tags));
    const std::lock_guard lock(mutex_);
    const auto size = now_.lvs.at(origin).size;
    now_.lvs.insert_or_assign(uuid, Lv{uuid, name, where_.thin_pool, size, std::move(tags), activation == Activation::Active});
    if (shared) now_.mapped.insert_or_assign(uuid, *shared);
    if (session) now_.sessions.insert_or_assign(session->volume, std::pair(uuid, *session));
    return uuid;
}

// LVM suspends an active LV and its pool for its new name, and waits for udev's events of each; of an idle one only its metadata changes.
void Catalog::make_idle(const LvUuid& lv) {
    const auto [known, in_work] = look([&](const Contents& now) { return std::pair(now.lvs.at(lv), now.is_in_work(lv)); });
    const auto used = lvm_.in_use(known.name);
    if (!known.active || in_work || !used || *used) return;
    (void)mapped(lv);  // an idle one does not tell it
    if (const auto idle = lvm_.deactivate(known.name); !idle) {
        log(known.name, "stays active: " + idle.error().message());
        return;
    }
    const std::lock_guard lock(mutex_);
    now_.lvs.at(lv).active = false;
}

Result<> Catalog::rename(const LvUuid& lv, const std::string& to) {
    const auto from = TRY(name_of(lv));
    make_idle(lv);
    TRY(checked(lvm_.rename(from, to)));
    log(from, "renamed to " + to);
    const std::lock_guard lock(mutex_);
    now_.lvs.at(lv).name = to;
    return {};
}

// What it alone holds is given back to the disk first: a thin pool does not do that for volumes that are deleted.
Result<> Catalog::remove(const LvUuid& lv) {
    const auto name = TRY(name_of(lv));
    const auto size = look([&](const Contents& now) { return now.lvs.at(lv).size; });
    const auto health = lvm_.health();
    if (health && health->discards && activate(lv))
        if (const auto opened = lvm_.open(name, Lvm::Access::ReadWrite))
            if (const auto given_back = lvm_.discard(opened->get(), {}, size); !given_back)
                log_.warn("{}: {} could not be discarded before its removal: {}", pool_name_, full_name(name),
                          given_back.error().message());
    TRY(checked(lvm_.remove(name)));
    log(name, "removed");
    const std::lock_guard lock(mutex_);
    now_.lvs.erase(lv);
    now_.mapped.erase(lv);
    std::erase_if(now_.sessions, [&](const auto& session) { return session.second.first == lv; });
    return {};
}

Result<> Catalog::set_size(const LvUuid& lv, base::Bytes size) {
    TRY(check_size(size));
    const std::lock_guard sizes_lock(sizes_);
    const auto name = TRY(name_of(lv));
    if (look([&](const Contents& now) { return now.lvs.at(lv).size; }) == size) return {};
    TRY(checked(lvm_.set_size(name, size)));
    log(name, "resized to " + base::human(size));
    const std::lock_guard lock(mutex_);
    now_.lvs.at(lv).size = size;
    return {};
}

Result<> Catalog::set_tags(const LvUuid& lv, std::vector<std::string> remove, std::vector<std::string> add) {
    TRY(checked(lvm_.change_tags(TRY(name_of(lv)), remove, add)));
    const std::lock_guard lock(mutex_);
    auto& known = now_.lvs.at(lv);
    std::erase_if(known.tags, [&](const std::string& tag) { return std::ranges::find(remove, tag) != remove.end(); });
    known.tags.insert(known.tags.end(), add.begin(), add.end());
    if (const auto session = parse_session(known.tags); session && *session && now_.sessions.contains((*session)->volume))
        now_.sessions.insert_or_assign((*session)->volume, std::pair(lv, **session));
    return {};
}

Result<> Catalog::activate(const LvUuid& lv, Known known) {
    if (known == Known::Trusted && look([&](const Contents& now) { return now.lvs.contains(lv) && now.lvs.at(lv).active; })) return {};
    const auto name = TRY(name_of(lv));
    TRY(checked(lvm_.activate(name)));
    const std::lock_guard lock(mutex_);
    now_.lvs.at(lv).active = true;
    return {};
}

std::optional<base::Bytes> Catalog::mapped(const LvUuid& lv) {
    const auto known = [&](const Contents& now) {
        const auto found = now.mapped.find(lv);
        return found == now.mapped.end() ? std::optional<base::Bytes>() : std::optional(found->second);
    };
    if (const auto before = look(known)) return before;
    const auto name = name_of(lv);
    if (!name) return std::nullopt;
    if (const auto told = lvm_.mapped(*name)) {
        const std::lock_guard lock(mutex_);
        if (!now_.is_in_work(lv)) now_.mapped.insert_or_assign(lv, *told);
        return *told;
    }
    if (look([](const Contents& now) { return now.mapped_of_idle; })) return std::nullopt;
    look_at_idle();
    return look(known);
}

// Once for all of them, and not again when it fails: a pool has many.
void Catalog::look_at_idle() {
    const auto all = lvm_.mapped();
    if (!all) log_.warn("{}: how much its states take is not known: {}", pool_name_, all.error().message());
    const std::lock_guard lock(mutex_);
    now_.mapped_of_idle = true;
    if (!all) return;
    for (const auto& [lv, bytes] : *all)
        if (now_.records.states.contains(lv) && !now_.is_in_work(lv)) now_.mapped.try_emplace(lv, bytes);
}

void Catalog::forget_mapped(const LvUuid& lv) {
    const std::lock_guard lock(mutex_);
    now_.mapped.erase(lv);
}

Result<std::string> Catalog::name_of(const LvUuid& lv) const {
    return look([&](const Contents& now) -> Result<std::string> {
        const auto found = now.lvs.find(lv);
        if (found == now.lvs.end()) return fail(Errc::NotFound, "the LV with the uuid " + lv.text + " is gone");
        return found->second.name;
    });
}

base::Bytes Catalog::rounded(base::Bytes size) const {
    const auto extent = look([](const Contents& now) { return now.extent.count; });
    const auto extents = size.count / extent + (size.count % extent != 0 ? 1 : 0);
    constexpr std::uint64_t most = UINT64_MAX;  // check_size refuses it
    return {extents > most / extent ? most : std::max<std::uint64_t>(extents, 1) * extent};
}

std::string Catalog::unique_name() const {
    thread_local std::random_device random;
    std::array<char, 17> text{};
    const auto value = (std::uint64_t{random()} << 32) | random();
    (void)std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(value));
    return text.data();
}

Result<> Catalog::free_name(const std::string& name) {
    const auto holder = look([&](const Contents& now) {
        const auto* lv = now.find(name);
        return lv == nullptr ? std::optional<Lv>() : std::optional(*lv);
    });
    const auto foreign = look([&](const Contents& now) { return now.other_names.contains(name); });
    if (!holder && !foreign) return {};
    const auto known = holder && look([&](const Contents& now) {
                           return now.records.garbage.contains(holder->uuid) || now.records.states.contains(holder->uuid);
                       });
    if (!known) return fail(Errc::Exists, "there is an LV " + full_name(name) + " already, which no record of Varve's knows");
    return rename(holder->uuid, temporary_name(unique_name()));
}

}  // namespace varve::lvm_thin
