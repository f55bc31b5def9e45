// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/lvm_thin/records.h"

#include "drivers/lvm_thin/tag_text.h"

#include <algorithm>

namespace varve::lvm_thin {
namespace {

using base::Errc;
using base::Result;

// LVM's tags hold no blanks.
std::string without_blanks(std::string text) {
    std::ranges::replace(text, ' ', '+');
    return text;
}
std::string with_blanks(std::string text) {
    std::ranges::replace(text, '+', ' ');
    return text;
}

std::string tag_of(const RecordId& id, const VmRecord& vm) {
    return TagWriter("vm")
        .field(id.text)
        .field(vm.name.str())
        .field(vm.ownership.uid)
        .field(vm.ownership.gid)
        .field(vm.ownership.mode)
        .field(vm.created)
        .text();
}

std::string tag_of(const RecordId& id, const VolumeRecord& volume) {
    const auto& config = volume.config;
    TagWriter tag("volume");
    tag.field(id.text).field(volume.vm.text).field(volume.name.str()).field(api::kind_name(config.kind));
    tag.field(config.size.count).field(config.created);
    if (const auto* source = api::source_of(config.kind)) {
        tag.optional("source-vm", source->volume.vm.str()).optional("source-volume", source->volume.volume.str());
        if (source->fixed) tag.optional("source-revision", source->fixed->str());
        if (volume.source) tag.optional("source", volume.source->text);
    }
    if (config.revisions_to_keep) tag.optional("keep", std::to_string(config.revisions_to_keep->count()));
    if (config.schedule) tag.optional("schedule", without_blanks(config.schedule->str()));
    if (!config.rw) tag.optional("rw", "0");
    if (config.ephemeral) tag.optional("ephemeral", "1");
    return tag.text();
}

std::string tag_of(const LvUuid& lv, const StateRecord& state) {
    TagWriter tag("state");
    tag.field(lv.text).field(state.volume.text).field(state.size.count).field(state.modified).field(state.changed);
    if (state.revision) tag.optional("revision", state.revision->str());
    if (state.number != 0) tag.optional("number", std::to_string(state.number));
    if (state.replaced) tag.optional("replaced", time_text(*state.replaced));
    if (state.layerless)
        tag.optional("boot", state.layerless->boot)
            .optional("size-at-start", std::to_string(state.layerless->size_at_start.count))
            .optional("writes-at-start", std::to_string(state.layerless->writes_at_start));
    return tag.text();
}

std::string tag_of(const LvUuid& garbage) { return TagWriter("garbage").field(garbage.text).text(); }

Result<> read_vm(TagReader& tag, Records& records) {
    const RecordId id{TRY(tag.field())};
    auto name = base::VmName::parse(TRY(tag.field()));
    if (!name) return tag.wrong(name.error().context);
    api::Ownership ownership;
    ownership.uid = static_cast<uid_t>(TRY(tag.number()));
    ownership.gid = static_cast<gid_t>(TRY(tag.number()));
    ownership.mode = static_cast<mode_t>(TRY(tag.number()));
    const auto created = TRY(tag.time());
    if (records.find(*name)) return tag.wrong("there is another VM of that name");
    if (!records.vms.emplace(id, VmRecord{*std::move(name), ownership, created}).second)
        return tag.wrong("there is another VM with this id");
    return {};
}

Result<api::Source> read_source(const TagReader& tag) {
    const auto vm = base::VmName::parse(tag.optional("source-vm").value_or(""));
    const auto volume = base::VolumeName::parse(tag.optional("source-volume").value_or(""));
    if (!vm || !volume) return tag.wrong("its source is no volume");
    api::Source source{{*vm, *volume}, {}};
    if (const auto text = tag.optional("source-revision")) {
        auto revision = base::RevisionId::parse(*text);
        if (!revision) return tag.wrong(revision.error().context);
        source.fixed = *std::move(revision);
    }
    return source;
}

Result<api::Kind> read_kind(const TagReader& tag, std::string_view name) {
    if (name == "volatile") return api::Kind(api::Volatile{});
    if (name == "origin") return api::Kind(api::Origin{});
    if (name == "snapshot") return api::Kind(api::Snapshot{TRY(read_source(tag))});
    return tag.wrong("there is no kind '" + std::string(name) + "' here");
}

Result<> read_volume(TagReader& tag, Records& records) {
    const RecordId id{TRY(tag.field())};
    const RecordId vm{TRY(tag.field())};
    auto name = base::VolumeName::parse(TRY(tag.field()));
    if (!name) return tag.wrong(name.error().context);
    VolumeRecord volume{vm, *std::move(name), {}};
    volume.config.kind = TRY(read_kind(tag, TRY(tag.field())));
    volume.config.size = {TRY(tag.number())};
    volume.config.created = TRY(tag.time());
    if (const auto source = tag.optional("source")) volume.source = RecordId{*source};
    if (const auto text = tag.optional("keep")) {
        const bool none = *text == "-1";
        const auto count = none ? std::optional<std::uint64_t>(0) : parse_number(*text);
        if (!count) return tag.wrong("'" + *text + "' is no number of revisions");
        auto keep = api::RevisionsToKeep::from(none ? -1 : static_cast<long long>(*count));
        if (!keep) return tag.wrong(keep.error().context);
        volume.config.revisions_to_keep = *keep;
    }
    if (const auto text = tag.optional("schedule")) {
        auto schedule = api::Schedule::parse(with_blanks(*text));
        if (!schedule) return tag.wrong(schedule.error().context);
        volume.config.schedule = *schedule;
    }
    volume.config.rw = tag.optional("rw") != "0";
    volume.config.ephemeral = tag.optional("ephemeral") == "1";
    if (!records.volumes.emplace(id, std::move(volume)).second) return tag.wrong("there is another volume with this id");
    return {};
}

Result<std::optional<base::Timestamp>> optional_time(const TagReader& tag, std::string_view key) {
    const auto text = tag.optional(key);
    if (!text) return std::optional<base::Timestamp>();
    const auto time = parse_time(*text);
    if (!time) return tag.wrong("'" + *text + "' is no time");
    return time;
}

Result<std::uint64_t> optional_number(const TagReader& tag, std::string_view key) {
    const auto text = tag.optional(key);
    if (!text) return std::uint64_t{0};
    const auto number = parse_number(*text);
    if (!number) return tag.wrong("'" + *text + "' is no number");
    return *number;
}

Result<> read_state(TagReader& tag, Records& records) {
    auto lv = TRY(tag.uuid());
    StateRecord state;
    state.volume = {TRY(tag.field())};
    state.size = {TRY(tag.number())};
    state.modified = TRY(tag.time());
    state.changed = TRY(tag.time());
    if (const auto text = tag.optional("revision")) {
        auto revision = base::RevisionId::parse(*text);
        if (!revision) return tag.wrong(revision.error().context);
        state.revision = *std::move(revision);
    }
    state.number = TRY(optional_number(tag, "number"));
    state.replaced = TRY(optional_time(tag, "replaced"));
    if (const auto boot = tag.optional("boot")) {
        const base::Bytes size{TRY(optional_number(tag, "size-at-start"))};
        const auto writes = TRY(optional_number(tag, "writes-at-start"));
        state.layerless = LayerlessSession{*boot, size, writes};
    }
    if (!records.states.emplace(std::move(lv), std::move(state)).second) return tag.wrong("there is another state in this LV");
    return {};
}

Result<> read(TagReader& tag, Records& records) {
    if (tag.type() == "vm") return read_vm(tag, records);
    if (tag.type() == "volume") return read_volume(tag, records);
    if (tag.type() == "state") return read_state(tag, records);
    if (tag.type() == "garbage") {
        auto lv = TRY(tag.uuid());
        records.garbage.insert(std::move(lv));
        return {};
    }
    return tag.wrong("a newer Varve may have written it");
}

// What a record refers to must be there.
Result<> check_references(const Records& records) {
    for (const auto& [id, volume] : records.volumes)
        if (!records.vms.contains(volume.vm))
            return base::fail(Errc::Corrupt, "the LVM tags name a volume " + volume.name.str() + " of a VM that they do not name");
    for (const auto& [lv, state] : records.states)
        if (!records.volumes.contains(state.volume))
            return base::fail(Errc::Corrupt, "the LVM tags name a state (LV " + lv.text + ") of a volume that they do not name");
    return {};
}

struct Replacement {
    std::optional<std::string> remove;
    std::optional<std::string> add;
};

// New and changed records.
template <class Map>
void written(const Map& before, const Map& after, std::vector<Replacement>& out) {
    for (const auto& [key, value] : after) {
        const auto old = before.find(key);
        if (old != before.end() && old->second == value) continue;
        out.push_back({old == before.end() ? std::nullopt : std::optional(tag_of(key, old->second)), tag_of(key, value)});
    }
}

template <class Map>
void removed(const Map& before, const Map& after, std::vector<Replacement>& out) {
    for (const auto& [key, value] : before)
        if (!after.contains(key)) out.push_back({tag_of(key, value), std::nullopt});
}

}  // namespace

std::optional<RecordId> Records::find(const base::VmName& vm) const {
    const auto found = std::ranges::find_if(vms, [&](const auto& each) { return each.second.name == vm; });
    return found == vms.end() ? std::nullopt : std::optional(found->first);
}

std::optional<RecordId> Records::find(const base::VolumePath& volume) const {
    const auto vm = find(volume.vm);
    if (!vm) return std::nullopt;
    const auto found =
        std::ranges::find_if(volumes, [&](const auto& each) { return each.second.vm == *vm && each.second.name == volume.volume; });
    return found == volumes.end() ? std::nullopt : std::optional(found->first);
}

base::VolumePath Records::path(const RecordId& volume) const {
    const auto& record = volumes.at(volume);
    return {vms.at(record.vm).name, record.name};
}

std::optional<LvUuid> Records::committed(const RecordId& volume) const {
    const auto found =
        std::ranges::find_if(states, [&](const auto& each) { return each.second.volume == volume && !each.second.revision; });
    return found == states.end() ? std::nullopt : std::optional(found->first);
}

std::vector<TagChanges> changes(const Records& before, const Records& after, std::size_t most) {
    std::vector<Replacement> all;
    for (const auto& lv : after.garbage)
        if (!before.garbage.contains(lv)) all.push_back({std::nullopt, tag_of(lv)});
    written(before.vms, after.vms, all);
    written(before.volumes, after.volumes, all);
    written(before.states, after.states, all);
    removed(before.states, after.states, all);
    removed(before.volumes, after.volumes, all);
    removed(before.vms, after.vms, all);
    for (const auto& lv : before.garbage)
        if (!after.garbage.contains(lv)) all.push_back({tag_of(lv), std::nullopt});

    std::vector<TagChanges> groups;
    std::size_t used = most;
    for (auto& each : all) {
        const std::size_t needed = (each.remove ? 1U : 0U) + (each.add ? 1U : 0U);
        if (used + needed > most) {
            groups.emplace_back();
            used = 0;
        }
        used += needed;
        if (each.remove) groups.back().remove.push_back(*std::move(each.remove));
        if (each.add) groups.back().add.push_back(*std::move(each.add));
    }
    return groups;
}

Result<Records> parse_records(const std::vector<std::string>& tags) {
    Records records;
    for (const auto& text : tags)
        if (auto tag = TagReader::of(text)) TRY(read(*tag, records));
    TRY(check_references(records));
    return records;
}

std::string session_tag(const SessionRecord& session) {
    TagWriter tag("session");
    tag.field(session.volume.text).field(session.boot).field(session.size_at_start.count).field(session.started);
    if (session.base)
        tag.optional("base", session.base->lv.text)
            .optional("base-modified", time_text(session.base->modified))
            .optional("base-size", std::to_string(session.base->size.count));
    return tag.text();
}

Result<std::optional<SessionRecord>> parse_session(const std::vector<std::string>& tags) {
    for (const auto& text : tags) {
        auto tag = TagReader::of(text);
        if (!tag || tag->type() != "session") continue;
        SessionRecord session;
        session.volume = {TRY(tag->field())};
        session.boot = TRY(tag->field());
        session.size_at_start = {TRY(tag->number())};
        session.started = TRY(tag->time());
        if (const auto base = tag->optional("base")) {
            auto lv = TRY(parse_uuid(*base));
            const auto modified = TRY(optional_time(*tag, "base-modified"));
            const base::Bytes size{TRY(optional_number(*tag, "base-size"))};
            session.base = SessionRecord::Base{std::move(lv), modified.value_or(base::Timestamp{}), size};
        }
        return session;
    }
    return std::optional<SessionRecord>();
}

}  // namespace varve::lvm_thin
