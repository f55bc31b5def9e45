// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/fuse/tree.h"

#include "drivers/api/overloaded.h"
#include "fs/engine/start_point.h"
#include "fs/fuse/attributes.h"
#include "fs/paths/entry_name.h"
#include "fs/protocol/names.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace varve::fuse {

using base::Errc;
using base::fail;
using base::Result;

namespace {

base::Failure missing(std::string_view name) { return fail(Errc::NotFound, "there is no '" + std::string(name.substr(0, 80)) + "' here"); }

// A volume's own path, whatever its kind: nullopt when it shows nothing (only revisions are left).
std::optional<Node> node_of_volume(const engine::VolumeRef& volume, const api::VolumeView& view) {
    if (std::holds_alternative<api::Volatile>(view.config.kind)) return EmptyFile{volume};
    if (std::holds_alternative<api::Snapshot>(view.config.kind)) return SourceLink{volume};
    if (view.committed) return StateFile{volume, *view.committed};
    if (view.session && view.session->no_snapshot_layer) return LayerlessFile{volume};
    return std::nullopt;
}

// What volume.img@current shows: the committed state, or what a snapshot volume would start from.
std::optional<Node> current_of(const engine::VolumeRef& volume) {
    const auto view = volume.view();
    if (!view || view->plain_file) return std::nullopt;
    if (const auto* snapshot = std::get_if<api::Snapshot>(&view->config.kind)) {
        const auto from = engine::find_start_point(volume.vm->pool(), volume.path(), snapshot->source);
        const auto* state = from && *from ? (*from)->state() : nullptr;
        if (state == nullptr) return std::nullopt;
        const engine::VolumeRef end{(*from)->vm, (*from)->where.volume.volume};
        return (*from)->where.fixed ? Node(StateFile{end, *state}) : Node(CurrentFile{end, *state});
    }
    if (!view->committed || !api::saves_on_stop(view->config.kind)) return std::nullopt;
    return CurrentFile{volume, *view->committed};
}

}  // namespace

Result<Found> Tree::look_up(const Node& parent, std::string_view name, pid_t thread) const {
    const auto control = [&](control::Place place) -> Result<Found> { return Found{ControlDir{std::move(place)}, true}; };
    return std::visit(api::Overloaded{
                          [&](const RootDir&) -> Result<Found> {
                              if (name == protocol::pools_directory) return Found{PoolsDir{}, true};
                              if (name == protocol::vms_directory) return Found{VmsDir{}, true};
                              if (name == protocol::control_directory) return control({});
                              return missing(name);
                          },
                          [&](const PoolsDir&) -> Result<Found> {
                              const auto pool = base::PoolName::parse(name);
                              const auto open = pool ? catalogue_.find(*pool) : nullptr;
                              if (!open) return missing(name);
                              return Found{PoolDir{open}, true};  // commands that change pools make the kernel forget names
                          },
                          [&](const PoolDir& dir) -> Result<Found> {
                              if (name == protocol::control_directory) return control({dir.pool, nullptr, {}});
                              const auto vm = base::parse_place(name);
                              auto place = vm ? dir.pool->find(*vm) : nullptr;
                              if (!place) return missing(name);
                              return Found{VmDir{std::move(place)}, true};
                          },
                          [&](const VmDir& dir) -> Result<Found> { return in_vm(dir.vm, name, thread); },
                          [&](const VmsDir&) -> Result<Found> {
                              const auto vm = base::VmName::parse(name);
                              if (!vm || links_of(*vm).empty()) return missing(name);
                              return Found{VmsVmDir{*vm}, false};
                          },
                          [&](const VmsVmDir& dir) -> Result<Found> { return in_vms(dir.vm, name); },
                          [&](const ControlDir& dir) -> Result<Found> { return in_control(dir.place, name); },
                          [&](const auto&) -> Result<Found> { return missing(name); },
                      },
                      parent);
}

Result<Found> Tree::in_vm(const engine::VmPtr& vm, std::string_view name, pid_t thread) const {
    const auto entry = paths::parse_entry(name);
    if (!entry) return plain_file(vm, name);
    return std::visit(api::Overloaded{
                          [&](const paths::VolumeEntry& volume) {
                              return volume_file({vm, volume.volume}, std::string(name), thread);
                          },
                          [&](const paths::RevisionEntry& revision) -> Result<Found> {
                              const engine::VolumeRef volume{vm, revision.volume};
                              const auto view = volume.view();
                              if (const auto* found = view ? view->revisions.find(revision.revision) : nullptr)
                                  return Found{StateFile{volume, found->state}, true};
                              if (auto writer = writes_.creating(*vm, std::string(name)))
                                  return Found{TransactionFile{std::move(writer)}, false};
                              // What was being created may have been committed while creating() waited for its close.
                              const auto now = volume.view();
                              if (const auto* found = now ? now->revisions.find(revision.revision) : nullptr)
                                  return Found{StateFile{volume, found->state}, true};
                              return missing(name);
                          },
                          [&](const paths::CurrentEntry& current) -> Result<Found> {
                              auto node = current_of({vm, current.volume});
                              if (!node) return missing(name);
                              return Found{*std::move(node), false};
                          },
                          [&](const paths::ScratchEntry& scratch) -> Result<Found> {
                              auto file = vm->writes().scratch(scratch.name);
                              if (!file) return missing(name);
                              return Found{Scratch{vm, scratch.name, std::move(file)}, true};
                          },
                          [&](const paths::ControlEntry&) -> Result<Found> {
                              return Found{ControlDir{{nullptr, vm, {}}}, true};
                          },
                      },
                      *entry);
}

Result<Found> Tree::plain_file(const engine::VmPtr& vm, std::string_view name) {
    const auto volume = base::VolumeName::parse(name);
    const auto view = volume ? vm->volume(*volume) : nullptr;
    auto node = view && view->plain_file ? node_of_volume({vm, *volume}, *view) : std::nullopt;
    if (!node) return missing(name);
    return Found{*std::move(node), true};
}

Result<Found> Tree::volume_file(const engine::VolumeRef& volume, const std::string& file, pid_t thread) const {
    if (auto announced = writes_.announced(*volume.vm, file, thread)) return Found{TransactionFile{std::move(announced)}, false};
    if (auto creating = writes_.creating(*volume.vm, file)) return Found{TransactionFile{std::move(creating)}, false};
    const auto view = volume.view();
    auto node = view && !view->plain_file ? node_of_volume(volume, *view) : std::nullopt;
    if (!node) return missing(file);
    return Found{*std::move(node), volume.vm->writes().find(file) == nullptr};
}

Result<Found> Tree::in_control(const control::Place& place, std::string_view name) const {
    if (place.vm) writes_.let_close(*place.vm);  // what is just being closed is about to be a volume
    auto entry = control_.find(place, name);
    if (!entry) return missing(name);
    if (entry->type == control::EntryType::Directory) {
        auto volume = TRY(base::VolumeName::parse(name));
        return Found{ControlDir{{place.pool, place.vm, std::move(volume)}}, false};
    }
    if (entry->type == control::EntryType::State) {
        const engine::VolumeRef volume{place.vm, *place.volume};
        const auto view = volume.view();
        if (!view || !view->session || !view->session->base) return missing(name);
        return Found{BaseFile{volume, *view->session->base}, false};
    }
    return Found{ControlFile{place, *std::move(entry)}, false};
}

std::vector<VmsLink> Tree::links_of(const base::VmName& vm) const {
    std::map<base::VolumeName, VmsLink> links;  // the first pool by name has a volume name to itself
    for (const auto& pool : catalogue_.pools()) {
        const auto place = pool->find(vm);
        if (!place || pool->driver().capabilities().read_only) continue;  // a kernel is no VM
        writes_.let_close(*place);                                        // what is just being closed is about to be a volume
        for (const auto all = place->view(); const auto& [volume, view] : all->volumes) {
            if (!node_of_volume({place, volume}, *view)) continue;
            links.try_emplace(volume,
                              VmsLink{vm, volume, "../../pools/" + pool->name().str() + "/" + vm.str() + "/" + paths::volume_file(volume)});
        }
    }
    std::vector<VmsLink> all;
    all.reserve(links.size());
    for (auto& [volume, link] : links) all.push_back(std::move(link));
    return all;
}

Result<Found> Tree::in_vms(const base::VmName& vm, std::string_view name) const {
    for (auto& link : links_of(vm))
        if (paths::volume_file(link.volume) == name) return Found{std::move(link), false};
    return missing(name);
}

Result<std::vector<Listed>> Tree::list(const Node& directory) const {
    std::vector<Listed> entries;
    const auto path = path_of(directory);
    const auto add = [&](const std::string& name, mode_t type) {
        entries.push_back({name, type, inode_number(path.empty() ? name : path + "/" + name)});
    };
    const auto done = std::visit(
        api::Overloaded{
            [&](const RootDir&) {
                add(std::string(protocol::pools_directory), S_IFDIR);
                add(std::string(protocol::vms_directory), S_IFDIR);
                return true;
            },
            [&](const PoolsDir&) {
                for (const auto& pool : catalogue_.pools()) add(pool->name().str(), S_IFDIR);
                return true;
            },
            [&](const PoolDir& dir) {
                for (const auto& vm : dir.pool->vms()) add(vm->name().str(), S_IFDIR);
                return true;
            },
            [&](const VmDir& dir) {
                auto creating = writes_.creating(*dir.vm);  // before the view, which shows what has been committed meanwhile
                for (const auto all = dir.vm->view(); const auto& [volume, view] : all->volumes) {
                    if (const auto node = node_of_volume({dir.vm, volume}, *view)) add(paths::shown_file(volume, *view), type_of(*node));
                    for (const auto& revision : view->revisions) add(paths::revision_file(volume, revision.id), S_IFREG);
                }
                std::erase_if(creating,
                              [&](const std::string& file) { return std::ranges::find(entries, file, &Listed::name) != entries.end(); });
                for (const auto& file : creating) add(file, S_IFREG);
                for (const auto& [name, scratch] : dir.vm->writes().all_scratch())
                    add(name, scratch->link() != nullptr ? S_IFLNK : S_IFREG);
                return true;
            },
            [&](const VmsDir&) {
                std::set<std::string> names;
                for (const auto& pool : catalogue_.pools())
                    for (const auto& vm : pool->vms())
                        if (!links_of(vm->name()).empty()) names.insert(vm->name().str());
                for (const auto& name : names) add(name, S_IFDIR);
                return true;
            },
            [&](const VmsVmDir& dir) {
                for (const auto& link : links_of(dir.vm)) add(paths::volume_file(link.volume), S_IFLNK);
                return true;
            },
            [&](const ControlDir& dir) {
                for (const auto& entry : control_.entries(dir.place)) {
                    const auto type = entry.type == control::EntryType::Directory ? S_IFDIR
                                      : entry.type == control::EntryType::Link    ? S_IFLNK
                                                                                  : S_IFREG;
                    add(entry.name, static_cast<mode_t>(type));
                }
                return true;
            },
            [&](const auto&) { return false; },
        },
        directory);
    if (!done) return fail(Errc::NotFound, path + " is no directory");
    return entries;
}

}  // namespace varve::fuse
