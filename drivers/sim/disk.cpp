// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/sim/disk.h"

namespace varve::sim {
namespace {

api::State view_of(const StoredState& state) {
    const auto facts = state.content->facts();
    return {state.id, {0, state.content->number()}, facts.size, facts.allocated, state.modified, state.changed};
}

}  // namespace

std::shared_ptr<Disk> make_disk() { return std::make_shared<Disk>(); }

base::Result<StoredVm*> Disk::vm(const base::VmName& name) {
    const auto found = vms.find(name);
    if (found == vms.end()) return base::fail(base::Errc::NotFound, "there is no VM " + name.str() + " in this pool");
    return &found->second;
}

StoredVolume* Disk::volume(const base::VolumePath& path) {
    const auto place = vms.find(path.vm);
    if (place == vms.end()) return nullptr;
    const auto found = place->second.volumes.find(path.volume);
    return found == place->second.volumes.end() ? nullptr : &found->second;
}

base::Bytes Disk::used() const {
    std::map<std::uint64_t, const Content*> contents;
    each_state([&](const StoredState& state) { contents[state.content->number()] = state.content.get(); });
    for (const auto& [vm_name, vm] : vms)
        for (const auto& [name, volume] : vm.volumes)
            if (volume.session) contents[volume.session->content->number()] = volume.session->content.get();
    for (const auto& [handle, content] : images) contents[content->number()] = content.get();
    base::Bytes sum{};
    for (const auto& [number, content] : contents) sum = sum + content->facts().allocated;
    return sum;
}

std::size_t Disk::users(const Content& content) const {
    std::size_t count = 0;
    each_state([&](const StoredState& state) { count += state.content.get() == &content ? 1 : 0; });
    return count;
}

std::shared_ptr<Content> Disk::find(std::uint64_t number) const {
    std::shared_ptr<Content> found;
    each_state([&](const StoredState& state) {
        if (state.content->number() == number) found = state.content;
    });
    return found;
}

api::VolumeView view_of(const StoredVolume& volume, const kernel::BootId& boot) {
    api::VolumeView view;
    view.config = volume.config;
    if (volume.committed) view.committed = view_of(*volume.committed);
    std::vector<api::Revision> revisions;
    for (const auto& revision : volume.revisions)
        revisions.push_back({revision.id, revision.number, view_of(revision.state), revision.replaced});
    view.revisions = api::Revisions(std::move(revisions));
    if (const auto& session = volume.session) {
        view.session.emplace();
        view.session->phase = session->boot == boot ? api::Session::Phase::Started : api::Session::Phase::Dirty;
        view.session->size = session->content->facts().size;
        view.session->no_snapshot_layer = session->layerless.has_value();
        if (session->base) view.session->base = view_of(*session->base);
    }
    return view;
}

}  // namespace varve::sim
