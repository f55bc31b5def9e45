// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/tables.h"

#include "fs/protocol/names.h"
#include "orchestrator/mount_client/json_fields.h"
#include "orchestrator/mount_client/reply.h"
#include "orchestrator/mount_client/volume_text.h"

#include <nlohmann/json.hpp>

#include <functional>

namespace varve::mount_client {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using base::VolumeId;
using nlohmann::json;
namespace field_name = protocol::field;
namespace pool_file = protocol::pool_file;
namespace volume_file = protocol::volume_file;

// A million revisions have less.
constexpr std::size_t largest_table = std::size_t{512} << 20;

Result<VolumeId> parse_id(std::string_view text, const base::PoolName& pool) {
    const auto first = text.find('/');
    const auto second = first == std::string_view::npos ? first : text.find('/', first + 1);
    if (second == std::string_view::npos || text.substr(0, first) != pool.str()) return fail(Errc::InvalidName, "no volume of the pool");
    auto vm = TRY(base::parse_place(text.substr(first + 1, second - first - 1)));
    auto volume = TRY(base::VolumeName::parse(text.substr(second + 1)));
    return VolumeId{pool, std::move(vm), std::move(volume)};
}

// Each line's object with the volume it is about; `use` says whether it could be understood. False: there is no table for us.
Result<bool> for_each_line(const Mount& mount, const base::PoolName& pool, std::string_view name,
                           const std::function<bool(const VolumeId&, const json&)>& use) {
    const auto file = pool_control(pool, name);
    const auto text = mount.value(file, largest_table);
    if (!text && (text.error().code == Errc::NotFound || text.error().code == Errc::Denied)) return false;
    if (!text) return base::Failure(text.error());
    std::string name_before;  // a volume's lines stand together
    Result<VolumeId> volume = fail(Errc::InvalidName, "");
    for (const auto line : lines_of(*text)) {
        const auto object = json::parse(line, nullptr, false);
        if (auto full_name = text_field(object, field_name::volume); full_name.empty() || full_name != name_before) {
            volume = parse_id(full_name, pool);
            name_before = std::move(full_name);
        }
        if (!volume || !use(*volume, object))
            return fail(Errc::Corrupt, file + " does not hold one JSON object a line for what the pool has");
    }
    return true;
}

std::optional<VolumeRow> row_in(const json& object, const VolumeId& id) {
    const auto number = [&](std::string_view name) { return number_field(object, name, 0, INT64_MAX); };
    const auto size = number(volume_file::size);
    const auto usage = number(volume_file::usage);
    const auto revisions = number(volume_file::revisions);
    auto state = text_field(object, volume_file::state);
    if (!size || !usage || !revisions || state.empty()) return {};
    auto configuration = configuration_in(object, id, std::move(state), static_cast<std::uint64_t>(*size));
    if (!configuration) return {};
    Volume volume{id,
                  configuration->kind,
                  configuration->state,
                  configuration->source,
                  configuration->size,
                  static_cast<std::uint64_t>(*usage),
                  flag_field(object, volume_file::outdated),
                  {},
                  static_cast<std::size_t>(*revisions)};
    return VolumeRow{std::move(volume), *std::move(configuration)};
}

}  // namespace

TableOf<std::vector<VolumeRow>> volumes_table(const Mount& mount, const base::PoolName& pool) {
    std::vector<VolumeRow> rows;
    const bool there = TRY(for_each_line(mount, pool, pool_file::volumes, [&](const VolumeId& id, const json& object) {
        auto row = row_in(object, id);
        if (!row) return false;
        rows.push_back(*std::move(row));
        return true;
    }));
    return there ? std::optional(std::move(rows)) : std::nullopt;
}

TableOf<RevisionsOfVolumes> revisions_table(const Mount& mount, const base::PoolName& pool) {
    RevisionsOfVolumes all;
    const bool there = TRY(for_each_line(mount, pool, pool_file::revisions, [&](const VolumeId& id, const json& object) {
        auto revision = revision_in(object);
        if (!revision) return false;
        all[id].push_back(*std::move(revision));
        return true;
    }));
    return there ? std::optional(std::move(all)) : std::nullopt;
}

TableOf<UsageOfVolumes> usage_table(const Mount& mount, const base::PoolName& pool) {
    const auto rows = TRY(volumes_table(mount, pool));
    auto revisions = TRY(revisions_table(mount, pool));
    if (!rows || !revisions) return std::nullopt;
    std::map<VolumeId, std::vector<VolumeUsage::State>> shares;
    std::map<VolumeId, base::Error> failures;
    const bool there = TRY(for_each_line(mount, pool, pool_file::shares, [&](const VolumeId& id, const json& object) {
        if (const auto* error = field(object, field_name::error))
            return failures.emplace(id, base::with_context(parse_error(*error), id.str())).second;
        auto share = share_in(object);
        if (!share) return false;
        shares[id].push_back(*std::move(share));
        return true;
    }));
    if (!there) return std::nullopt;
    UsageOfVolumes usage;
    for (const auto& [volume, configuration] : *rows) {
        if (failures.contains(volume.id)) continue;
        usage.volumes.push_back({volume.id, volume.size, volume.usage, std::move(shares[volume.id]), std::move((*revisions)[volume.id])});
    }
    for (auto& [id, error] : failures) usage.failures.push_back(std::move(error));
    return usage;
}

}  // namespace varve::mount_client
