// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/control/volume_changes.h"

#include "fs/paths/link_target.h"
#include "fs/protocol/names.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace varve::control {

using base::Errc;
using base::fail;
using base::Result;
using Change = engine::Volumes::ConfigChange;

namespace {

std::string quoted(std::string_view text) { return "'" + std::string(text.substr(0, 80)) + "'"; }

Result<bool> parse_flag(std::string_view text) {
    if (text == "0") return false;
    if (text == "1") return true;
    return fail(Errc::InvalidArgument, quoted(text) + " is neither 0 nor 1");
}

template <class Value>
Change setting(Value api::VolumeConfig::*which, Value value) {
    return [which, value = std::move(value)](api::VolumeConfig config) -> Result<api::VolumeConfig> {
        config.*which = value;
        return config;
    };
}

Result<Change> rw_change(std::string_view text) { return setting(&api::VolumeConfig::rw, TRY(parse_flag(text))); }

Result<Change> ephemeral_change(std::string_view text) { return setting(&api::VolumeConfig::ephemeral, TRY(parse_flag(text))); }

Result<Change> keep_change(std::string_view text) {
    return setting(&api::VolumeConfig::revisions_to_keep, std::optional(TRY(parse_keep(text))));
}

Result<Change> schedule_change(std::string_view text) {
    std::optional<api::Schedule> schedule;  // absent: the pool's
    if (!text.empty()) schedule = TRY(api::Schedule::parse(text));
    return setting(&api::VolumeConfig::schedule, std::move(schedule));
}

struct Setting {
    std::string_view name;
    Result<Change> (*parse)(std::string_view text);

    [[nodiscard]] std::string key() const { return std::string(name) + "="; }
};

constexpr std::array the_settings{
    Setting{protocol::volume_file::rw, rw_change},
    Setting{protocol::volume_file::ephemeral, ephemeral_change},
    Setting{protocol::volume_file::revisions_to_keep, keep_change},
    Setting{protocol::volume_file::schedule, schedule_change},
};

std::string known_settings() {
    std::string known;
    for (const auto& setting : the_settings) known += (known.empty() ? "" : ", ") + setting.key();
    return known;
}

}  // namespace

Result<api::RevisionsToKeep> parse_keep(std::string_view text) {
    long long count = 0;
    const auto* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, count);
    if (read.ec != std::errc{} || read.ptr != end)
        return fail(Errc::InvalidArgument, quoted(text) + " is no number of revisions; it must be -1 (no snapshot layer), 0 or more");
    return api::RevisionsToKeep::from(count);
}

Result<api::Source> parse_source(std::string_view text, const engine::VolumeRef& volume) {
    auto source = TRY(paths::parse_link_target(text, volume.vm->name()));
    if (source.volume == volume.path()) return fail(Errc::InvalidArgument, volume.path().str() + " cannot be its own source");
    return source;
}

Result<> change_source(engine::Volumes& volumes, const engine::VolumeRef& volume, std::string_view text) {
    const auto source = TRY(parse_source(text, volume));
    return volumes.configure(volume, [&](api::VolumeConfig config) -> Result<api::VolumeConfig> {
        if (auto* snapshot = std::get_if<api::Snapshot>(&config.kind)) {
            snapshot->source = source;
        } else if (auto* both = std::get_if<api::OriginSnapshot>(&config.kind)) {
            both->source = source;
        } else {
            return fail(Errc::InvalidArgument,
                        volume.path().str() + " is " + std::string(api::kind_name(config.kind)) + " and has no source");
        }
        return config;
    });
}

Result<> change_rw(engine::Volumes& volumes, const engine::VolumeRef& volume, std::string_view text) {
    return volumes.configure(volume, TRY(rw_change(text)));
}

Result<> change_keep(engine::Volumes& volumes, const engine::VolumeRef& volume, std::string_view text) {
    return volumes.configure(volume, TRY(keep_change(text)));
}

Result<> change_schedule(engine::Volumes& volumes, const engine::VolumeRef& volume, std::string_view text) {
    return volumes.configure(volume, TRY(schedule_change(text)));
}

Result<> change_ephemeral(engine::Volumes& volumes, const engine::VolumeRef& volume, std::string_view text) {
    return volumes.configure(volume, TRY(ephemeral_change(text)));
}

Result<Change> parse_settings(Arguments words) {
    std::vector<Change> changes;
    std::array<bool, the_settings.size()> given{};
    for (const auto& word : words) {
        const auto at = std::ranges::find_if(the_settings, [&](const Setting& setting) { return word.starts_with(setting.key()); });
        if (at == the_settings.end())
            return fail(Errc::InvalidArgument, quoted(std::string_view(word)) + " is no setting; known are " + known_settings());
        auto& before = given[static_cast<std::size_t>(at - the_settings.begin())];
        if (std::exchange(before, true)) return fail(Errc::InvalidArgument, std::string(at->name) + " is given twice");
        auto change = at->parse(std::string_view(word).substr(at->name.size() + 1));
        if (!change) return base::Failure(base::with_context(std::move(change).error(), at->name));
        changes.push_back(*std::move(change));
    }
    return [changes = std::move(changes)](api::VolumeConfig config) -> Result<api::VolumeConfig> {
        for (const auto& change : changes) config = TRY(change(std::move(config)));
        return config;
    };
}

}  // namespace varve::control
