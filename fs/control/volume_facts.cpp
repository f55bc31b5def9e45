// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/control/volume_facts.h"

#include "fs/engine/find_state.h"
#include "fs/engine/open_pool.h"
#include "fs/paths/entry_name.h"
#include "fs/protocol/names.h"

#include <nlohmann/json.hpp>

#include <sys/stat.h>

#include <utility>
#include <variant>

namespace varve::control {

using base::Bytes;
using base::Errc;
using base::Result;
using engine::VolumeRef;
using engine::Volumes;

namespace {

// What a start would give a volume that has no state of its own.
Bytes size_of_source(const Volumes& volumes, const VolumeRef& volume) {
    const auto from = volumes.start_point(volume);
    const auto* state = from && *from ? (*from)->state() : nullptr;
    return state != nullptr ? state->size : Bytes{};
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

}  // namespace

std::string source_text(const api::VolumeConfig& config) {
    const auto* source = api::source_of(config.kind);
    if (source == nullptr) return {};
    const auto& from = source->volume;
    return "../" + from.vm.str() + "/" +
           (source->fixed ? paths::revision_file(from.volume, *source->fixed) : paths::volume_file(from.volume));
}

Bytes present_size(const Volumes& volumes, const VolumeRef& volume, const api::VolumeView& view) {
    if (view.session) return view.session->size;
    if (view.committed) return view.committed->size;
    if (api::source_of(view.config.kind) != nullptr) return size_of_source(volumes, volume);
    return std::holds_alternative<api::Volatile>(view.config.kind) ? view.config.size : Bytes{};
}

Bytes usage_of(const VolumeRef& volume, const api::VolumeView& view) {
    auto sum = session_usage(volume, view);
    if (view.committed) sum = sum + view.committed->allocated;
    for (const auto& revision : view.revisions) sum = sum + revision.state.allocated;
    return sum;
}

api::RevisionsToKeep keep_of(const VolumeRef& volume, const api::VolumeView& view) {
    return view.keep(volume.vm->pool().revisions_to_keep());
}

api::Schedule schedule_of(const VolumeRef& volume, const api::VolumeView& view) { return view.schedule(volume.vm->pool().schedule()); }

Json config_object(const VolumeRef& volume, const api::VolumeView& view) {
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
    return config;
}

std::vector<Json> revision_objects(const Volumes& volumes, const VolumeRef& volume, const api::VolumeView& view) {
    if (view.revisions.begin() == view.revisions.end()) return {};
    const auto reasons = api::judge(view.revisions, volumes.retention(volume, view));
    const bool prunes_for_space = volume.vm->pool().prune_below().has_value();
    std::vector<Json> objects;
    auto reason = reasons.begin();
    for (const auto& revision : view.revisions) objects.push_back(revision_object(revision, *reason++, prunes_for_space));
    return objects;
}

Result<std::vector<StateShare>> shares_of(const Volumes& volumes, const VolumeRef& volume, const api::VolumeView& view) {
    std::vector<StateShare> shares;
    const auto add = [&](std::string_view name, std::string revision, const api::State& state, auto find) -> Result<> {
        const auto found = [&](const engine::VolumeView& now) -> Result<api::StateRef> {
            if (const auto ref = now ? find(*now, state) : std::nullopt) return *ref;
            return base::fail(Errc::NotFound, "the state is gone");
        };
        auto bytes = volumes.ask(volume, found, [&](const api::VolumeView& now, const api::StateRef& ref) {
            return volume.vm->pool().driver().exclusive(volume.path(), now, ref);
        });
        if (!bytes && bytes.error().code == Errc::NotFound) return {};  // removed since the view was taken
        const auto exclusive = TRY(std::move(bytes));
        shares.push_back({name, std::move(revision), exclusive});
        return {};
    };
    if (view.committed) TRY(add("committed", {}, *view.committed, engine::find_state));
    for (const auto& revision : view.revisions) TRY(add("revision", revision.id.str(), revision.state, engine::find_state));
    if (view.session && view.session->base) TRY(add("base", {}, *view.session->base, engine::find_base));
    return shares;
}

Json share_object(const StateShare& share) {
    Json object{{protocol::field::state, share.state}};
    if (!share.revision.empty()) object[std::string(protocol::field::revision)] = share.revision;
    object[std::string(protocol::volume_file::exclusive)] = share.exclusive.count;
    return object;
}

}  // namespace varve::control
