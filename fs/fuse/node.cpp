// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/fuse/node.h"

#include "drivers/api/overloaded.h"
#include "fs/paths/entry_name.h"

namespace varve::fuse {
namespace {

std::string vm_path(const engine::Vm& vm) { return "pools/" + vm.pool().name().str() + "/" + vm.name().str(); }

std::string volume_path(const engine::VolumeRef& volume) { return vm_path(*volume.vm) + "/" + paths::volume_file(volume.volume); }

std::string state_path(const engine::VolumeRef& volume, const api::State& state) {
    const auto shown = find_shown(volume, state);
    if (shown && shown->revision == nullptr) return vm_path(*volume.vm) + "/" + paths::shown_file(volume.volume, *shown->view);
    if (!shown) return volume_path(volume);
    return vm_path(*volume.vm) + "/" + paths::revision_file(volume.volume, shown->revision->id);
}

std::string place_path(const control::Place& place) {
    std::string path;
    if (place.vm)
        path = vm_path(*place.vm) + "/";
    else if (place.pool)
        path = "pools/" + place.pool->name().str() + "/";
    path += paths::control_directory;
    if (place.volume) path += "/" + place.volume->str();
    return path;
}

}  // namespace

std::optional<Shown> find_shown(const engine::VolumeRef& volume, const api::State& state) {
    auto view = volume.view();
    if (!view) return std::nullopt;
    if (view->committed && view->committed->id == state.id) return Shown{std::move(view), nullptr};
    const auto* revision = view->revisions.find(state);
    if (revision == nullptr) return std::nullopt;
    return Shown{std::move(view), revision};
}

std::string path_of(const Node& node) {
    return std::visit(api::Overloaded{
                          [](const RootDir&) { return std::string(); },
                          [](const PoolsDir&) { return std::string("pools"); },
                          [](const PoolDir& dir) { return "pools/" + dir.pool->name().str(); },
                          [](const VmDir& dir) { return vm_path(*dir.vm); },
                          [](const VmsDir&) { return std::string("vms"); },
                          [](const VmsVmDir& dir) { return "vms/" + dir.vm.str(); },
                          [](const VmsLink& link) { return "vms/" + link.vm.str() + "/" + paths::volume_file(link.volume); },
                          [](const StateFile& file) { return state_path(file.volume, file.state); },
                          [](const CurrentFile& file) { return volume_path(file.volume) + "@current"; },
                          [](const BaseFile& file) {
                              return place_path({nullptr, file.volume.vm, file.volume.volume}) + "/base";
                          },
                          [](const SourceLink& link) { return volume_path(link.volume); },
                          [](const EmptyFile& file) { return volume_path(file.volume); },
                          [](const LayerlessFile& file) { return volume_path(file.volume); },
                          [](const TransactionFile& file) { return vm_path(*file.transaction->ref().vm) + "/" + file.transaction->file(); },
                          [](const Scratch& scratch) { return vm_path(*scratch.vm) + "/" + scratch.name; },
                          [](const ControlDir& dir) { return place_path(dir.place); },
                          [](const ControlFile& file) { return place_path(file.place) + "/" + file.entry.name; },
                      },
                      node);
}

}  // namespace varve::fuse
