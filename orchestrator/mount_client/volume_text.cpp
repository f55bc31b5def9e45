// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/volume_text.h"

#include "fs/protocol/names.h"
#include "orchestrator/mount_client/json_fields.h"

#include <algorithm>

namespace varve::mount_client {

using nlohmann::json;
namespace field_name = protocol::field;
namespace volume_file = protocol::volume_file;

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const auto end = text.find('\n');
        if (end != 0) lines.push_back(text.substr(0, end));
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 1);
    }
    return lines;
}

std::vector<std::string> texts_in(const json& list) {
    std::vector<std::string> texts;
    for (const auto& each : list)
        if (each.is_string()) texts.push_back(each.get<std::string>());
    return texts;
}

std::optional<Revision> revision_in(const json& object) {
    const auto size = number_field(object, field_name::size, 0, INT64_MAX);
    auto name = text_field(object, field_name::revision);
    const auto* kept = field(object, field_name::kept);
    if (!size || name.empty() || kept == nullptr || !kept->is_array()) return {};
    const auto usage = number_field(object, field_name::usage, 0, INT64_MAX).value_or(0);
    return Revision{std::move(name),
                    static_cast<std::uint64_t>(*size),
                    static_cast<std::uint64_t>(usage),
                    text_field(object, field_name::modified),
                    flag_field(object, field_name::pinned),
                    texts_in(*kept),
                    flag_field(object, field_name::goes_when_short)};
}

std::optional<VolumeUsage::State> share_in(const json& object) {
    const auto exclusive = number_field(object, volume_file::exclusive, 0, INT64_MAX);
    if (!exclusive) return {};
    return VolumeUsage::State{text_field(object, field_name::state), text_field(object, field_name::revision),
                              static_cast<std::uint64_t>(*exclusive)};
}

std::optional<VolumeConfiguration> configuration_in(const json& object, const base::VolumeId& volume, std::string state,
                                                    std::uint64_t size) {
    const auto keep = number_field(object, volume_file::revisions_to_keep, INT64_MIN, INT64_MAX);
    auto kind = text_field(object, volume_file::kind);
    if (!keep || kind.empty()) return {};
    const auto inherited = texts_in(list_field(object, field_name::inherited));
    return VolumeConfiguration{volume,
                               std::move(kind),
                               text_field(object, volume_file::source),
                               std::move(state),
                               size,
                               *keep,
                               std::ranges::find(inherited, volume_file::revisions_to_keep) == inherited.end(),
                               flag_field(object, volume_file::rw),
                               flag_field(object, volume_file::ephemeral),
                               std::ranges::find(inherited, volume_file::schedule) == inherited.end()};
}

}  // namespace varve::mount_client
