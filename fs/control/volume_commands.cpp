// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/control/volume_commands.h"

#include "drivers/api/rules.h"
#include "fs/control/volume_changes.h"
#include "fs/control/volume_facts.h"
#include "fs/engine/open_pool.h"
#include "fs/protocol/names.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace varve::control {

using base::Result;
using engine::VolumeRef;
using engine::Volumes;
namespace field = protocol::field;
namespace verb = protocol::verb;

Result<Json> start_volume(Volumes& volumes, const VolumeRef& volume) {
    const auto started = TRY(volumes.start(volume));
    return Json{{field::device, started.device.string()}};
}

namespace {

Json committed_object(const engine::Committed& done) {
    Json result{{field::committed, done.committed}};
    if (done.revision) result[std::string(field::revision)] = done.revision->str();
    result[std::string(field::removed)] = revision_names(done.removed);
    return result;
}

}  // namespace

Result<Json> stop_volume(Volumes& volumes, const VolumeRef& volume) {
    return committed_object(TRY(volumes.stop(volume, api::Stop::Outcome::Commit)));
}

Result<Json> commit_volume(Volumes& volumes, const VolumeRef& volume) { return committed_object(TRY(volumes.commit(volume))); }

Result<Json> discard_volume(Volumes& volumes, const VolumeRef& volume) {
    TRY(volumes.stop(volume, api::Stop::Outcome::Discard));
    return Json::object();
}

namespace {

bool is_word_character(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Drivers name files and LVs in their own ways, but the volume's name is in all of them.
bool is_about(const api::Finding& finding, const std::string& volume) {
    const auto& object = finding.object;
    for (auto at = object.find(volume); at != std::string::npos; at = object.find(volume, at + 1)) {
        const auto end = at + volume.size();
        if ((at == 0 || !is_word_character(object[at - 1])) && (end == object.size() || !is_word_character(object[end]))) return true;
    }
    return false;
}

Result<Json> verify(Volumes& /*volumes*/, const VolumeRef& volume, Arguments /*none*/) {
    if (!volume.view()) return base::fail(base::Errc::NotFound, "there is no volume " + volume.path().str());
    auto findings = TRY(volume.vm->pool().driver().verify(volume.vm->name()));
    std::erase_if(findings, [&](const api::Finding& finding) { return !is_about(finding, volume.volume.str()); });
    return findings_object(findings);
}

// "current" or a revision, with its size.
struct ComparedState {
    api::StateRef ref;
    base::Bytes size;
};

Result<ComparedState> compared_state(const VolumeRef& volume, const api::VolumeView& view, const std::string& name) {
    if (name == protocol::current_alias) {
        if (!view.committed) return base::fail(base::Errc::NotFound, volume.path().str() + " has no committed state");
        return ComparedState{api::CommittedState{}, view.committed->size};
    }
    const auto id = TRY(base::RevisionId::parse(name));
    const auto* const revision = view.revisions.find(id);
    if (revision == nullptr) return base::fail(base::Errc::NotFound, volume.path().str() + " has no revision " + id.str());
    return ComparedState{id, revision->state.size};
}

Result<Json> compare(Volumes& volumes, const VolumeRef& volume, Arguments arguments) {
    constexpr std::size_t most_extents = 65536;  // some MiB of JSON
    using Pair = std::pair<ComparedState, ComparedState>;
    const auto find = [&](const engine::VolumeView& view) -> Result<Pair> {
        if (!view) return base::fail(base::Errc::NotFound, "there is no volume " + volume.path().str());
        auto one = TRY(compared_state(volume, *view, arguments[0]));
        auto other = TRY(compared_state(volume, *view, arguments[1]));
        return Pair(std::move(one), std::move(other));
    };
    const auto differing = [&](const api::VolumeView& view, const Pair& pair) -> Result<base::Extents> {
        const auto& [one, other] = pair;
        const auto found = TRY(volume.vm->pool().driver().may_differ(volume.path(), view, one.ref, other.ref));
        return base::coarsened(found, std::max(one.size, other.size), most_extents);
    };
    auto extents = Json::array();
    for (const auto& extent : TRY(volumes.ask(volume, find, differing)))
        extents.push_back({{field::offset, extent.offset.count}, {field::length, extent.length.count}});
    return Json{{field::extents, std::move(extents)}};
}

Result<Json> clear(Volumes& volumes, const VolumeRef& volume, Arguments /*none*/) {
    TRY(volumes.clear(volume));
    return Json::object();
}

Result<Json> resize(Volumes& volumes, const VolumeRef& volume, Arguments arguments) {
    TRY(volumes.resize(volume, TRY(base::parse_bytes(arguments[0]))));
    return Json::object();
}

// A label goes on naming what it named; a timed revision moves, as by mv.
Result<Json> revert(Volumes& volumes, const VolumeRef& volume, Arguments arguments) {
    const auto revision = TRY(base::RevisionId::parse(arguments[0]));
    TRY(volumes.revert(volume, revision, revision.label() != nullptr ? api::Revert::Revision::Keep : api::Revert::Revision::Move));
    return Json::object();
}

Result<Json> prune(Volumes& volumes, const VolumeRef& volume, Arguments /*none*/) {
    const auto removed = TRY(volumes.prune(volume));
    return Json{{field::removed, revision_names(removed)}};
}

Result<Json> configure(Volumes& volumes, const VolumeRef& volume, Arguments arguments) {
    TRY(volumes.configure(volume, TRY(parse_settings(arguments))));
    return Json::object();
}

// As the change would be checked, and without it.
Result<Json> retention(Volumes& volumes, const VolumeRef& volume, Arguments arguments) {
    const auto change = TRY(parse_settings(arguments));
    const auto view = volume.view();
    if (!view) return base::fail(base::Errc::NotFound, "there is no volume " + volume.path().str());
    auto changed = *view;
    changed.config = TRY(change(view->config));
    TRY(api::check(volume.path(), view.get(), api::Configure{changed.config}, volume.vm->pool().driver().capabilities()));
    return Json{{protocol::volume_file::revisions_to_keep, keep_of(volume, changed).count()},
                {protocol::volume_file::schedule, schedule_of(volume, changed).str()},
                {protocol::volume_file::revisions, revision_objects(volumes, volume, changed)}};
}

constexpr std::array the_volume_commands{
    VolumeCommand{{verb::start, "", 0, 0},
                  [](Volumes& volumes, const VolumeRef& volume, Arguments) { return start_volume(volumes, volume); }},
    VolumeCommand{{verb::stop, "", 0, 0},
                  [](Volumes& volumes, const VolumeRef& volume, Arguments) { return stop_volume(volumes, volume); }},
    VolumeCommand{{verb::commit, "", 0, 0},
                  [](Volumes& volumes, const VolumeRef& volume, Arguments) { return commit_volume(volumes, volume); }},
    VolumeCommand{{verb::discard, "", 0, 0},
                  [](Volumes& volumes, const VolumeRef& volume, Arguments) { return discard_volume(volumes, volume); }},
    VolumeCommand{{verb::verify, "", 0, 0}, verify},
    VolumeCommand{{verb::compare, "REVISION|current REVISION|current", 2, 2}, compare},
    VolumeCommand{{verb::clear, "", 0, 0}, clear},
    VolumeCommand{{verb::resize, "BYTES", 1, 1}, resize},
    VolumeCommand{{verb::revert, "REVISION", 1, 1}, revert},
    VolumeCommand{{verb::prune, "", 0, 0}, prune},
    VolumeCommand{{verb::retention, "[SETTING=VALUE ...]", 0, any_number}, retention},
    VolumeCommand{{verb::configure, "SETTING=VALUE ...", 1, any_number}, configure},
};

}  // namespace

std::span<const VolumeCommand> volume_commands() { return the_volume_commands; }

}  // namespace varve::control
