// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/records/vm_record.h"

#include "drivers/records/json_reader.h"

namespace varve::records {
namespace {

using base::Result;

using Seconds = std::numeric_limits<std::int64_t>;

Json to_json(base::Timestamp time) { return {{"seconds", time.seconds}, {"nanoseconds", time.nanoseconds}}; }

Result<base::Timestamp> read_time(const ObjectReader& reader) {
    TRY(reader.only({"seconds", "nanoseconds"}));
    const auto seconds = TRY(reader.integer("seconds", Seconds::min(), Seconds::max()));
    const auto nanoseconds = TRY(reader.natural("nanoseconds", 999'999'999));
    return base::Timestamp{seconds, static_cast<std::uint32_t>(nanoseconds)};
}

Json to_json(const api::Ownership& ownership) { return {{"uid", ownership.uid}, {"gid", ownership.gid}, {"mode", ownership.mode}}; }

Result<api::Ownership> read_ownership(const ObjectReader& reader) {
    TRY(reader.only({"uid", "gid", "mode"}));
    constexpr std::uint64_t last_id = 0xfffffffe;  // the one above means "none" to chown(2)
    const auto uid = TRY(reader.natural("uid", last_id));
    const auto gid = TRY(reader.natural("gid", last_id));
    const auto mode = TRY(reader.natural("mode", 07777));
    return api::Ownership{static_cast<uid_t>(uid), static_cast<gid_t>(gid), static_cast<mode_t>(mode)};
}

Json to_json(const api::Source& source) {
    Json json{{"volume", source.volume.str()}};
    if (source.fixed) json["revision"] = source.fixed->str();
    return json;
}

Result<api::Source> read_source(const ObjectReader& reader) {
    TRY(reader.only({"volume", "revision"}));
    api::Source source{TRY(parse_volume_path(TRY(reader.text("volume")))), {}};
    if (reader.has("revision")) source.fixed = TRY(base::RevisionId::parse(TRY(reader.text("revision"))));
    return source;
}

Result<api::Kind> read_kind(const ObjectReader& reader) {
    const auto name = TRY(reader.text("kind"));
    const bool needs_source = name == "snapshot" || name == "origin_snapshot";
    if (!needs_source && reader.has("source")) return reader.wrong("source", "belongs to no " + name + " volume");
    if (name == "origin") return api::Origin{};
    if (name == "volatile") return api::Volatile{};
    if (!needs_source) return reader.wrong("kind", "is not volatile, snapshot, origin or origin_snapshot");
    auto source = TRY(read_source(TRY(reader.object("source"))));
    if (name == "snapshot") return api::Snapshot{std::move(source)};
    return api::OriginSnapshot{std::move(source)};
}

Json to_json(const api::VolumeConfig& config) {
    Json json{{"kind", std::string(api::kind_name(config.kind))},
              {"size", config.size.count},
              {"rw", config.rw},
              {"ephemeral", config.ephemeral},
              {"created", to_json(config.created)}};
    if (const auto* source = api::source_of(config.kind)) json["source"] = to_json(*source);
    if (config.revisions_to_keep) json["revisions_to_keep"] = config.revisions_to_keep->count();
    if (config.schedule) json["schedule"] = config.schedule->str();
    return json;
}

Result<api::VolumeConfig> read_config(const ObjectReader& reader) {
    TRY(reader.only({"kind", "source", "size", "revisions_to_keep", "schedule", "rw", "ephemeral", "created"}));
    api::VolumeConfig config;
    config.kind = TRY(read_kind(reader));
    config.size = base::Bytes{TRY(reader.natural("size", base::largest_volume.count))};
    if (!config.size.whole_sectors()) return reader.wrong("size", "is not a multiple of 512");
    if (reader.has("revisions_to_keep")) {
        const auto count = TRY(reader.integer("revisions_to_keep", -1, std::numeric_limits<std::int64_t>::max()));
        config.revisions_to_keep = TRY(api::RevisionsToKeep::from(count));
    }
    if (reader.has("schedule")) config.schedule = TRY(api::Schedule::parse(TRY(reader.text("schedule"))));
    config.rw = TRY(reader.boolean("rw"));
    config.ephemeral = TRY(reader.boolean("ephemeral"));
    if (config.ephemeral && !std::holds_alternative<api::Volatile>(config.kind))
        return reader.wrong("ephemeral", "is true, but the volume is not volatile");
    config.created = TRY(read_time(TRY(reader.object("created"))));
    return config;
}

Result<VmRecord> record_of(const ObjectReader& reader) {
    TRY(check_version(reader));
    TRY(reader.only({"version", "ownership", "created", "volumes"}));
    VmRecord record;
    if (reader.has("ownership")) record.ownership = TRY(read_ownership(TRY(reader.object("ownership"))));
    if (reader.has("created")) record.created = TRY(read_time(TRY(reader.object("created"))));
    const auto volumes = TRY(reader.object("volumes"));
    for (const auto& [name, value] : volumes.json().items()) {
        auto volume = TRY(base::VolumeName::parse(name));
        auto config = TRY(read_config(TRY(ObjectReader::of(value, "volumes." + name))));
        record.volumes.emplace(std::move(volume), std::move(config));
    }
    return record;
}

}  // namespace

std::string format_record(const VmRecord& record) {
    Json json{{"version", format_version}, {"volumes", Json::object()}};
    if (record.ownership) json["ownership"] = to_json(*record.ownership);
    if (record.created) json["created"] = to_json(*record.created);
    for (const auto& [name, config] : record.volumes) json["volumes"][name.str()] = to_json(config);
    return json.dump(2) + "\n";
}

Result<VmRecord> parse_record(std::string_view text) {
    if (text.size() > largest_record.count)
        return base::fail(base::Errc::Corrupt, "it is larger than " + std::to_string(largest_record.count) + " bytes");
    const auto json = TRY(parse_object(text));
    auto record = record_of(TRY(ObjectReader::of(json, "")));
    // A name that is no name is an invalid name to a user, but corruption in a file of ours.
    if (!record) return base::fail(base::Errc::Corrupt, record.error().context);
    return record;
}

}  // namespace varve::records
