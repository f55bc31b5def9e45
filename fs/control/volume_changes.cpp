// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/control/volume_changes.h"

#include "fs/paths/link_target.h"

#include <charconv>
#include <string>
#include <utility>
#include <variant>

namespace varve::control {

using base::Errc;
using base::fail;
using base::Result;

namespace {

std::string quoted(std::string_view text) { return "'" + std::string(text.substr(0, 80)) + "'"; }

Result<bool> parse_flag(std::string_view text) {
    if (text == "0") return false;
    if (text == "1") return true;
    return fail(Errc::InvalidArgument, quoted(text) + " is neither 0 nor 1");
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
    const auto rw = TRY(parse_flag(text));
    return volumes.configure(volume, [&](api::VolumeConfig config) -> Result<api::VolumeConfig> {
        config.rw = rw;
        return config;
    });
}

Result<> change_keep(engine::Volumes& volumes, const engine::VolumeRef& volume, std::string_view text) {
    const auto keep = TRY(parse_keep(text));
    return volumes.configure(volume, [&](api::VolumeConfig config) -> Result<api::VolumeConfig> {
        config.revisions_to_keep = keep;
        return config;
    });
}

Result<> change_schedule(engine::Volumes& volumes, const engine::VolumeRef& volume, std::string_view text) {
    std::optional<api::Schedule> schedule;  // absent: the pool's
    if (!text.empty()) schedule = TRY(api::Schedule::parse(text));
    return volumes.configure(volume, [&](api::VolumeConfig config) -> Result<api::VolumeConfig> {
        config.schedule = schedule;
        return config;
    });
}

Result<> change_ephemeral(engine::Volumes& volumes, const engine::VolumeRef& volume, std::string_view text) {
    const auto ephemeral = TRY(parse_flag(text));
    return volumes.configure(volume, [&](api::VolumeConfig config) -> Result<api::VolumeConfig> {
        config.ephemeral = ephemeral;
        return config;
    });
}

}  // namespace varve::control
