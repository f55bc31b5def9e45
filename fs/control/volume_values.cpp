// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/control/volume_values.h"

#include "drivers/api/overloaded.h"
#include "fs/control/json.h"
#include "fs/control/volume_changes.h"
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

std::string source_text(const api::VolumeConfig& config) {
    const auto* source = api::source_of(config.kind);
    if (source == nullptr) return {};
    const auto& from = source->volume;
    return "../" + from.vm.str() + "/" +
           (source->fixed ? paths::revision_file(from.volume, *source->fixed) : paths::volume_file(from.volume));
}

// What a start would give a volume that has no state of its own.
Bytes size_of_source(const Volumes& volumes, const VolumeRef& volume) {
    const auto from = volumes.start_point(volume);
    const auto* state = from && *from ? (*from)->state() : nullptr;
    return state != nullptr ? state->size : Bytes{};
}

Bytes present_size(const Volumes& volumes, const VolumeRef& volume, const api::VolumeView& view) {
    if (view.session) return view.session->size;
    if (view.committed) return view.committed->size;
    if (api::source_of(view.config.kind) != nullptr) return size_of_source(volumes, volume);
    return std::holds_alternative<api::Volatile>(view.config.kind) ? view.config.size : Bytes{};
}

// What the session's image takes, where it is a file; a block device does not tell.
Bytes session_usage(const VolumeRef& volume, const api::VolumeView& view) {
    if (!view.session) return {};
    const auto device = volume.vm->pool().driver().device(volume.path(), view);
    struct stat found {};
    if (!device || ::stat(device->c_str(), &found) != 0 || !S_ISREG(found.st_mode)) return {};
    constexpr std::uint64_t block = 512;  // the unit of st_blocks, stat(2)
    return {static_cast<std::uint64_t>(found.st_blocks) * block};
}

Bytes usage_of(const VolumeRef& volume, const api::VolumeView& view) {
    auto sum = session_usage(volume, view);
    if (view.committed) sum = sum + view.committed->allocated;
    for (const auto& revision : view.revisions) sum = sum + revision.state.allocated;
    return sum;
}

struct StateShare {
    std::string_view state;  // "committed", "base" or "revision"
    std::string revision;    // its name; empty for the others
    Bytes exclusive;
};

Result<std::vector<StateShare>> shares_of(const VolumeRef& volume, const api::VolumeView& view) {
    std::vector<StateShare> shares;
    const auto add = [&](std::string_view state, std::string revision, const api::StateRef& ref) -> Result<> {
        auto bytes = volume.vm->pool().driver().exclusive(volume.path(), view, ref);
        if (!bytes && bytes.error().code == Errc::NotFound) return {};  // removed since the view was taken
        const auto exclusive = TRY(std::move(bytes));
        shares.push_back({state, std::move(revision), exclusive});
        return {};
    };
    if (view.committed) TRY(add("committed", {}, api::CommittedState{}));
    for (const auto& revision : view.revisions) TRY(add("revision", revision.id.str(), revision.id));
    if (view.session && view.session->base) TRY(add("base", {}, api::BaseState{}));
    return shares;
}

// What two states of the volume share between them, each alone does not free: the sum is the least that removing all of them frees.
Result<Bytes> exclusive_of(const VolumeRef& volume, const api::VolumeView& view) {
    Bytes sum{};
    for (const auto& share : TRY(shares_of(volume, view))) sum = sum + share.exclusive;
    return sum;
}

Result<std::string> shares_text(const VolumeRef& volume, const api::VolumeView& view) {
    std::string text;
    for (const auto& share : TRY(shares_of(volume, view))) {
        Json object{{protocol::field::state, share.state}};
        if (!share.revision.empty()) object[std::string(protocol::field::revision)] = share.revision;
        object[std::string(protocol::volume_file::exclusive)] = share.exclusive.count;
        text += line(compact(object));
    }
    return text;
}

api::RevisionsToKeep keep_of(const VolumeRef& volume, const api::VolumeView& view) {
    return view.keep(volume.vm->pool().revisions_to_keep());
}

api::Schedule schedule_of(const VolumeRef& volume, const api::VolumeView& view) { return view.schedule(volume.vm->pool().schedule()); }

std::string config_of(const VolumeRef& volume, const api::VolumeView& view) {
    Json config{{protocol::volume_file::kind, api::kind_name(view.config.kind)}};
    if (api::source_of(view.config.kind) != nullptr) config[std::string(protocol::volume_file::source)] = source_text(view.config);
    config[std::string(protocol::volume_file::rw)] = view.config.rw;
    if (std::holds_alternative<api::Volatile>(view.config.kind)) config[std::string(protocol::volume_file::size)] = view.config.size.count;
    config[std::string(protocol::volume_file::revisions_to_keep)] = keep_of(volume, view).count();
    config[std::string(protocol::volume_file::schedule)] = schedule_of(volume, view).str();
    config[std::string(protocol::volume_file::ephemeral)] = view.config.ephemeral;
    auto& inherited = config[std::string(protocol::field::inherited)] = Json::array();
    if (!view.config.revisions_to_keep) inherited.push_back(protocol::volume_file::revisions_to_keep);
    if (!view.config.schedule) inherited.push_back(protocol::volume_file::schedule);
    return line(compact(config));
}

std::string revisions_of(const Volumes& volumes, const VolumeRef& volume, const api::VolumeView& view) {
    const auto reasons = api::judge(view.revisions, volumes.retention(volume, view));
    std::string text;
    auto reason = reasons.begin();
    for (const auto& revision : view.revisions) text += line(compact(revision_object(revision, *reason++)));
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
                [](const Volumes&, const VolumeRef& volume, const View& view) -> Text { return line(TRY(exclusive_of(volume, view))); }},
    VolumeValue{protocol::volume_file::shares,
                [](const Volumes&, const VolumeRef& volume, const View& view) -> Text { return shares_text(volume, view); }},
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
    VolumeValue{protocol::volume_file::config,
                [](const Volumes&, const VolumeRef& volume, const View& view) -> Text { return config_of(volume, view); }},
    VolumeValue{
        protocol::volume_file::revisions,
        [](const Volumes& volumes, const VolumeRef& volume, const View& view) -> Text { return revisions_of(volumes, volume, view); }},
    VolumeValue{protocol::volume_file::blockers,
                [](const Volumes& volumes, const VolumeRef& volume, const View&) -> Text { return blockers_of(volumes, volume); }},
};

}  // namespace

std::span<const VolumeValue> volume_values() { return the_volume_values; }

}  // namespace varve::control
