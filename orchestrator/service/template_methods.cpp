// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/create.h"
#include "orchestrator/service/arguments.h"
#include "orchestrator/service/json_of.h"
#include "orchestrator/service/methods.h"
#include "orchestrator/service/versions.h"
#include "orchestrator/service/volume_of.h"

#include <algorithm>
#include <array>
#include <map>

namespace varve::service {
namespace {

using base::Errc;
using base::Result;
using base::VmName;
using definitions::VmDefinition;
using nlohmann::json;
using orchestrator::Verb;

constexpr std::array<std::string_view, 1> status_parameters{"template"};
constexpr std::array<std::string_view, 3> rollback_parameters{"template", "volume", "revision"};

bool is_template(const VmDefinition& vm) {
    return std::holds_alternative<definitions::TemplateVm>(vm.vm_class) || definitions::disposables_of(vm) != nullptr;
}

// Who starts from templates, as far as the caller may see; what is kept ready is nobody's.
class Children {
public:
    Children(const definitions::DefinitionStore& store, const preloading::Preloading& preloading, const Access& access,
             const orchestrator::Caller& caller)
        : all_(store.snapshot()) {
        std::erase_if(all_,
                      [&](const auto& each) { return preloading.holds(each.first) || !access.allows(caller, Verb::See, each.second); });
    }
    [[nodiscard]] std::vector<const VmDefinition*> of(const VmName& template_vm) const {
        std::vector<const VmDefinition*> children;
        for (const auto& name : definitions::children_of(all_, template_vm)) children.push_back(&all_.at(name));
        return children;
    }
    [[nodiscard]] const definitions::Definitions& all() const { return all_; }

private:
    definitions::Definitions all_;
};

Result<VmDefinition> find_template(const definitions::DefinitionStore& store, const VmName& name) {
    auto vm = TRY(store.find(name));
    if (!is_template(vm)) return base::fail(Errc::InvalidArgument, "'" + name.str() + "' is neither a template nor a disposable template");
    return vm;
}

json volume_json(const base::VolumeId& id, const mount_client::Volume& volume) {
    auto revisions = json::array();
    for (const auto& each : volume.revisions)
        revisions.push_back({{"revision", each.name}, {"modified", each.modified}, {"pinned", each.pinned}});
    return {{"pool", id.pool.str()}, {"volume", id.volume.str()}, {"state", volume.state}, {"revisions", std::move(revisions)}};
}

using Sources = std::map<base::VolumeId, mount_client::Volume>;

// nullptr when there is none. The template's definition may have lost a volume that children start from all the same.
Result<const mount_client::Volume*> find_source(Versions& versions, Sources& sources, const base::VolumeId& id) {
    if (const auto known = sources.find(id); known != sources.end()) return &known->second;
    auto volume = versions.read(id);
    if (volume) return &sources.emplace(id, *std::move(volume)).first->second;
    if (volume.error().code == Errc::NotFound) return nullptr;
    return base::Failure(std::move(volume).error());
}

// What a child's volume runs on: a revision of its source, or its newest version, or (neither) a state that is gone since. Null while it does not run.
Result<json> running_json(Versions& versions, const base::VolumeId& id, bool outdated, const mount_client::Volume* source) {
    const auto written = TRY(versions.base_time(id));
    if (!written) return json();
    json runs{{"written", *written}, {"revision", nullptr}, {"newest", false}};
    if (source == nullptr) return runs;
    const auto found = std::ranges::find(source->revisions, *written, &mount_client::Revision::modified);
    if (found != source->revisions.end())
        runs["revision"] = found->name;
    else
        runs["newest"] = !outdated;
    return runs;
}

// Of one child's volume; null when it starts from nothing of the template. A child's volume that is not there is the child's trouble.
Result<json> version_json(Versions& versions, const VmName& template_vm, Sources& sources, const base::VolumeId& id) {
    const auto volume = versions.read(id);
    if (!volume) return json();
    const auto from = mount_client::parse_source_link(id.pool, volume->source);
    if (!from || from->volume.vm != template_vm) return json();
    const auto* source = TRY(find_source(versions, sources, from->volume));
    auto runs = TRY(running_json(versions, id, volume->outdated, source));
    return json{{"vm", id.vm.str()},
                {"pool", id.pool.str()},
                {"volume", id.volume.str()},
                {"source", from->volume.volume.str()},
                {"revision", from->revision ? json(from->revision->str()) : json()},
                {"runs", std::move(runs)},
                {"state", volume->state},
                {"outdated", volume->outdated}};
}

Result<json> status(const VmDefinition& template_vm, const Children& children, Versions& versions) {
    auto volumes = json::array();
    Sources sources;
    for (const auto& use : template_vm.volumes) {
        const base::VolumeId id{use.pool, template_vm.name, use.volume};
        auto volume = TRY(versions.read(id));
        volumes.push_back(volume_json(id, volume));
        sources.emplace(id, std::move(volume));
    }
    auto users = json::array();
    for (const auto* child : children.of(template_vm.name))
        for (const auto& use : child->volumes) {
            auto version = TRY(version_json(versions, template_vm.name, sources, {use.pool, child->name, use.volume}));
            if (!version.is_null()) users.push_back(std::move(version));
        }
    return json{{"vm", template_vm.name.str()}, {"volumes", std::move(volumes)}, {"children", std::move(users)}};
}

}  // namespace

void add_template_methods(rpc::MethodTable& methods, const definitions::DefinitionStore& store, vm::Machines& machines, Versions& versions,
                          const preloading::Preloading& preloading, const Access& access) {
    methods.add("template.list", rpc::Length::Short, [&](const json& params, const rpc::Call& call) -> Result<json> {
        (void)TRY(Arguments::of(params, {}));
        const Children children(store, preloading, access, call.caller);
        auto list = json::array();
        for (const auto& [name, vm] : children.all()) {
            if (!is_template(vm)) continue;
            auto names = json::array();
            for (const auto* child : children.of(name)) names.push_back(child->name.str());
            const auto info = TRY(machines.info(name));
            list.push_back({{"vm", name.str()},
                            {"class", definitions::class_name(vm)},
                            {"state", vm::name_of(info.state)},
                            {"children", std::move(names)}});
        }
        return json{{"templates", std::move(list)}};
    });
    methods.add("template.status", rpc::Length::Long, [&](const json& params, const rpc::Call& call) -> Result<json> {
        const auto arguments = TRY(Arguments::of(params, status_parameters));
        const auto name = TRY(arguments.name<VmName>("template"));
        TRY(access.check(call.caller, Verb::See, name));
        return status(TRY(find_template(store, name)), Children(store, preloading, access, call.caller), versions);
    });
    methods.add("template.commit", rpc::Length::Long, [&](const json& params, const rpc::Call& call) -> Result<json> {
        const auto arguments = TRY(Arguments::of(params, status_parameters));
        const auto name = TRY(arguments.name<VmName>("template"));
        TRY(access.check(call.caller, Verb::Commit, name));
        (void)TRY(find_template(store, name));
        return json_of(TRY(machines.commit(name)));
    });
    methods.add("template.rollback", rpc::Length::Long, [&](const json& params, const rpc::Call& call) -> Result<json> {
        const auto arguments = TRY(Arguments::of(params, rollback_parameters));
        const auto name = TRY(arguments.name<VmName>("template"));
        TRY(access.check(call.caller, Verb::Commit, name));
        const auto revision = TRY(arguments.name<base::RevisionId>("revision"));
        const auto volume = TRY(volume_of(TRY(find_template(store, name)), TRY(arguments.name<base::VolumeName>("volume"))));
        TRY(versions.revert(volume, revision));
        return json::object();
    });
}

}  // namespace varve::service
