// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/control/volume_values.h"

#include "drivers/api/overloaded.h"
#include "fs/control/json.h"
#include "fs/control/volume_changes.h"
#include "fs/control/volume_facts.h"
#include "fs/engine/open_pool.h"
#include "fs/engine/volume_state.h"
#include "fs/paths/entry_name.h"
#include "fs/protocol/names.h"

#include <nlohmann/json.hpp>

#include <sys/stat.h>

#include <array>
#include <utility>
#include <variant>
#include <vector>

namespace varve::control {
namespace {

using base::Bytes;
using base::Errc;
using base::Result;
using engine::VolumeRef;
using engine::Volumes;

std::string line(std::string_view value) { return std::string(value) + "\n"; }
std::string line(Bytes value) { return line(std::to_string(value.count)); }
std::string line(bool value) { return line(std::string_view(value ? "1" : "0")); }

// What two states of the volume share between them, each alone does not free: the sum is the least that removing all of them frees.
Result<Bytes> exclusive_of(const Volumes& volumes, const VolumeRef& volume, const api::VolumeView& view) {
    Bytes sum{};
    for (const auto& share : TRY(shares_of(volumes, volume, view))) sum = sum + share.exclusive;
    return sum;
}

Result<std::string> shares_text(const Volumes& volumes, const VolumeRef& volume, const api::VolumeView& view) {
    std::string text;
    for (const auto& share : TRY(shares_of(volumes, volume, view))) text += line(compact(share_object(share)));
    return text;
}

std::string revisions_of(const Volumes& volumes, const VolumeRef& volume, const api::VolumeView& view) {
    std::string text;
    for (const auto& revision : revision_objects(volumes, volume, view)) text += line(compact(revision));
    return text;
}

std::string blockers_of(const Volumes& volumes, const VolumeRef& volume) {
    std::string text;
    for (const auto& reason : volumes.blockers(volume)) text += line(reason);
    return text;
}

using View = api::VolumeView;
using Text = Result<std::string>;

constexpr std::array the_volume_values{
    VolumeValue{protocol::volume_file::kind,
                [](const Volumes&, const VolumeRef&, const View& view) -> Text { return line(api::kind_name(view.config.kind)); }},
    VolumeValue{protocol::volume_file::source,
                [](const Volumes&, const VolumeRef&, const View& view) -> Text { return line(source_text(view.config)); }, change_source},
    VolumeValue{protocol::volume_file::state,
                [](const Volumes&, const VolumeRef& volume, const View& view) -> Text {
                    return line(name_of(engine::state_of(*volume.vm, volume.volume, view)));
                }},
    VolumeValue{protocol::volume_file::outdated,
                [](const Volumes& volumes, const VolumeRef& volume, const View&) -> Text { return line(volumes.outdated(volume)); }},
    VolumeValue{protocol::volume_file::rw, [](const Volumes&, const VolumeRef&, const View& view) -> Text { return line(view.config.rw); },
                change_rw},
    VolumeValue{protocol::volume_file::size,
                [](const Volumes& volumes, const VolumeRef& volume, const View& view) -> Text {
                    return line(present_size(volumes, volume, view));
                }},
    VolumeValue{protocol::volume_file::usage,
                [](const Volumes&, const VolumeRef& volume, const View& view) -> Text { return line(usage_of(volume, view)); }},
    VolumeValue{protocol::volume_file::exclusive,
                [](const Volumes& volumes, const VolumeRef& volume, const View& view) -> Text {
                    return line(TRY(exclusive_of(volumes, volume, view)));
                }},
    VolumeValue{
        protocol::volume_file::shares,
        [](const Volumes& volumes, const VolumeRef& volume, const View& view) -> Text { return shares_text(volumes, volume, view); }},
    VolumeValue{protocol::volume_file::revisions_to_keep,
                [](const Volumes&, const VolumeRef& volume, const View& view) -> Text {
                    return line(std::to_string(keep_of(volume, view).count()));
                },
                change_keep},
    VolumeValue{protocol::volume_file::schedule,
                [](const Volumes&, const VolumeRef& volume, const View& view) -> Text { return line(schedule_of(volume, view).str()); },
                change_schedule},
    VolumeValue{protocol::volume_file::ephemeral,
                [](const Volumes&, const VolumeRef&, const View& view) -> Text { return line(view.config.ephemeral); }, change_ephemeral},
    VolumeValue{
        protocol::volume_file::config,
        [](const Volumes&, const VolumeRef& volume, const View& view) -> Text { return line(compact(config_object(volume, view))); }},
    VolumeValue{
        protocol::volume_file::revisions,
        [](const Volumes& volumes, const VolumeRef& volume, const View& view) -> Text { return revisions_of(volumes, volume, view); }},
    VolumeValue{protocol::volume_file::blockers,
                [](const Volumes& volumes, const VolumeRef& volume, const View&) -> Text { return blockers_of(volumes, volume); }},
};

}  // namespace

std::span<const VolumeValue> volume_values() { return the_volume_values; }

}  // namespace varve::control
