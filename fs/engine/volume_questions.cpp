// SPDX-License-Identifier: LGPL-2.1-or-later
// Volumes: what changes nothing.
#include "fs/engine/volumes.h"

#include "drivers/api/rules.h"
#include "fs/paths/entry_name.h"

namespace varve::engine {

using base::Result;

std::vector<std::string> Volumes::blockers(const VolumeRef& volume) const {
    std::vector<std::string> reasons;
    const auto view = volume.view();
    if (!view) return {"there is no volume " + volume.path().str()};
    const auto note = [&](std::string_view what, const Result<>& result) {
        if (!result) reasons.push_back(std::string(what) + ": " + result.error().message());
    };
    if (!view->degraded.empty()) reasons.push_back("it is degraded: " + view->degraded);
    const auto capabilities = volume.vm->pool().driver().capabilities();
    if (capabilities.read_only) return reasons;  // what is never done is not in anybody's way
    const auto from = view->session ? Result<std::optional<StartPoint>>() : start_point(volume);
    note("start", from ? api::check(volume.path(), view.get(), start_command(*from), capabilities) : Result<>(base::Failure(from.error())));
    note("start", layer_is_dispensable(volume, *view));
    note("start", enough_space(volume));
    if (volume.vm->writes().find(paths::volume_file(volume.volume)))
        reasons.push_back("start, revert: " + volume.path().str() + " is open for writing");
    if (view->session) {
        const auto dirty = view->session->phase == api::Session::Phase::Dirty;
        reasons.push_back("revert: " + volume.path().str() +
                          (dirty ? " is dirty: stop commits what its VM wrote, discard drops it" : " is started"));
    }
    for (const auto& revision : view->revisions) note("revert", nobodys_fixed_source(volume, revision.id, "cannot be moved away"));
    return reasons;
}

std::set<base::RevisionId> Volumes::fixed_revisions(const VolumeRef& volume, const api::VolumeView& view) const {
    std::set<base::RevisionId> listed;
    for (const auto& fixed : volume.vm->pool().sources().fixed_revisions(volume.path()))
        if (const auto* revision = view.revisions.find(fixed)) listed.insert(revision->id);
    return listed;
}

bool Volumes::outdated(const VolumeRef& volume) const {
    const auto view = volume.view();
    if (!view || api::source_of(view->config.kind) == nullptr || !view->session || !view->session->base) return false;
    const auto from = start_point(volume);
    const auto* now = from && *from ? (*from)->state() : nullptr;
    return now == nullptr || now->identity != view->session->base->identity;
}

}  // namespace varve::engine
