// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/definitions/definition_text.h"
#include "orchestrator/service/arguments.h"
#include "orchestrator/service/attach_paths.h"
#include "orchestrator/service/console.h"
#include "orchestrator/service/json_of.h"
#include "orchestrator/service/methods.h"
#include "orchestrator/service/retirement.h"
#include "orchestrator/service/telling.h"
#include "orchestrator/service/volume_of.h"

#include <array>
#include <map>

namespace varve::service {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using base::VmName;
using nlohmann::json;
using orchestrator::Verb;
using rpc::Call;
using rpc::Length;

// Most methods: a right to a VM, and one thing to do with it.
using OnVm = std::function<Result<json>(const VmName& vm, const Arguments& arguments, const Call& call)>;

class Methods {
public:
    Methods(rpc::MethodTable& methods, const Access& access) : methods_(methods), access_(access) {}

    void add(std::string name, Length length, Verb verb, std::initializer_list<std::string_view> parameters, OnVm run) {
        methods_.add(std::move(name), length,
                     [&access = access_, verb, known = std::vector<std::string_view>(parameters), run = std::move(run)](
                         const json& params, const Call& call) -> Result<json> {
                         const auto arguments = TRY(Arguments::of(params, known));
                         const auto vm = TRY(arguments.name<VmName>("vm"));
                         TRY(access.check(call.caller, verb, vm));
                         return run(vm, arguments, call);
                     });
    }

private:
    rpc::MethodTable& methods_;
    const Access& access_;
};

json done() { return json::object(); }

constexpr std::array<std::string_view, 1> list_parameters{"all"};

void add_listing(rpc::MethodTable& methods, vm::Machines& machines, const definitions::DefinitionStore& store,
                 const preloading::Preloading& preloading, const Access& access) {
    methods.add("vm.list", Length::Short, [&](const json& params, const Call& call) -> Result<json> {
        const auto all = TRY(TRY(Arguments::of(params, list_parameters)).flag("all", false));
        std::map<VmName, vm::VmInfo> infos;
        for (auto& info : machines.list()) infos.emplace(info.name, std::move(info));
        auto list = json::array();
        for (const auto& vm : store.all()) {
            if (!access.allows(call.caller, Verb::See, vm)) continue;
            const auto info = infos.find(vm.name);
            const bool preloaded = preloading.holds(vm.name);
            if (preloaded && !all) continue;
            auto one = summary_of(vm, info == infos.end() ? vm::VmInfo{vm.name, vm::VmState::Halted, std::nullopt, ""} : info->second);
            if (all) one["preloaded"] = preloaded;
            list.push_back(std::move(one));
        }
        return json{{"vms", std::move(list)}};
    });
}

void add_looking(Methods& methods, vm::Machines& machines, const definitions::DefinitionStore& store) {
    methods.add("vm.info", Length::Long, Verb::See, {"vm"}, [&](const VmName& vm, const Arguments&, const Call&) -> Result<json> {
        const auto definition = TRY(store.find(vm));
        const auto info = TRY(machines.info(vm));
        auto object = summary_of(definition, info);
        object["domain"] = info.domain ? json(info.domain->str()) : json();
        object["definition"] = json_of(definition);
        object["toml"] = definitions::to_toml(definition);
        const auto disks = info.state == vm::VmState::Halted ? Result<std::vector<vm::DiskInfo>>() : machines.disks(vm);
        object["disks"] = disks ? json_of(*disks) : json::array();
        return object;
    });
    methods.add("vm.console", Length::Long, Verb::Console, {"vm", "open"},
                [&](const VmName& vm, const Arguments& arguments, const Call& call) -> Result<json> {
                    const bool open = TRY(arguments.flag("open", false));
                    if (open && !call.enclose) return fail(Errc::InvalidArgument, "a console cannot be opened in a batch");
                    const auto path = TRY(machines.console(vm));
                    if (open) call.enclose(TRY(open_console(machines, vm, path)));
                    return json{{"path", path.string()}};
                });
}

// What is kept ready is nobody's reason.
Result<> check_unneeded(const vm::Machines& machines, const definitions::DefinitionStore& store, const preloading::Preloading& preloading,
                        const VmName& vm, const definitions::Shown& shown) {
    const auto runs = [&](const VmName& other) {
        const auto info = machines.info(other);
        return info && info->state != vm::VmState::Halted;
    };
    return runs(vm) ? definitions::check_stoppable(others(store, preloading), vm, runs, shown) : Result<>();
}

void add_stop(Methods& methods, vm::Machines& machines, const definitions::DefinitionStore& store, const preloading::Preloading& preloading,
              const Access& access) {
    methods.add("vm.stop", Length::Long, Verb::Stop, {"vm", "deadline", "then_kill", "force"},
                [&](const VmName& vm, const Arguments& arguments, const Call& call) -> Result<json> {
                    vm::StopRequest request;
                    request.deadline = TRY(arguments.milliseconds("deadline")).value_or(request.deadline);
                    request.then_kill = TRY(arguments.flag("then_kill", request.then_kill));
                    if (!TRY(arguments.flag("force", false))) {
                        // Now, so that nobody sees a stop that is refused, and once more when no start can miss it.
                        request.agree = [&] { return check_unneeded(machines, store, preloading, vm, access.shown_to(call.caller)); };
                        TRY(request.agree());
                    }
                    return json_of(TRY(machines.stop(vm, request, telling(call, access, vm))));
                });
}

void add_life(Methods& methods, vm::Machines& machines, const Access& access) {
    methods.add("vm.start", Length::Long, Verb::Start, {"vm"}, [&](const VmName& vm, const Arguments&, const Call& call) -> Result<json> {
        StartTelling told(call, access, vm);
        return json_of(TRY(told.shown(machines.start(vm, told.listener()))));
    });
    methods.add("vm.kill", Length::Long, Verb::Kill, {"vm"}, [&](const VmName& vm, const Arguments&, const Call& call) -> Result<json> {
        return json_of(TRY(machines.kill(vm, telling(call, access, vm))));
    });
    methods.add("vm.pause", Length::Long, Verb::Pause, {"vm"}, [&](const VmName& vm, const Arguments&, const Call&) -> Result<json> {
        TRY(machines.pause(vm));
        return done();
    });
    methods.add("vm.resume", Length::Long, Verb::Resume, {"vm"}, [&](const VmName& vm, const Arguments&, const Call&) -> Result<json> {
        TRY(machines.resume(vm));
        return done();
    });
}

// The path to plug in: of a VM whose disks he may plug in, which lets him read them. Asked before the path is looked at, and again for where its
// links lead.
Result<std::filesystem::path> permitted(const AttachPaths& paths, const Access& access, const orchestrator::Caller& caller,
                                        const vm::AttachRequest& request) {
    if (access.is_administrator(caller)) return request.path;
    TRY(access.check(caller, Verb::Attach, TRY(paths.owner_of(request.path))));
    auto found = TRY(paths.follow(request.path));
    TRY(access.check(caller, Verb::Attach, TRY(paths.owner_of(found))));
    return found;
}

void add_disks(Methods& methods, vm::Machines& machines, const definitions::DefinitionStore& store, const Access& access,
               const std::filesystem::path& mountpoint) {
    methods.add("vm.attach", Length::Long, Verb::Attach, {"vm", "path", "target", "writable"},
                [&machines, &access, paths = AttachPaths(mountpoint)](const VmName& vm, const Arguments& arguments,
                                                                      const Call& call) -> Result<json> {
                    vm::AttachRequest request;
                    request.path = TRY(arguments.text("path"));
                    if (!request.path.is_absolute())
                        return base::fail(base::Errc::InvalidArgument, "the parameter 'path' must be an absolute path");
                    request.target = TRY(arguments.optional_name<definitions::TargetName>("target"));
                    request.writable = TRY(arguments.flag("writable", false));
                    request.path = TRY(permitted(paths, access, call.caller, request));
                    const auto target = TRY(machines.attach(vm, request));
                    return json{{"target", target.str()}};
                });
    methods.add("vm.detach", Length::Long, Verb::Attach, {"vm", "target"},
                [&](const VmName& vm, const Arguments& arguments, const Call&) -> Result<json> {
                    TRY(machines.detach(vm, TRY(arguments.name<definitions::TargetName>("target"))));
                    return done();
                });
    methods.add("vm.resize", Length::Long, Verb::Change, {"vm", "pool", "volume", "size"},
                [&](const VmName& vm, const Arguments& arguments, const Call&) -> Result<json> {
                    const auto pool = TRY(arguments.optional_name<base::PoolName>("pool"));
                    const auto name = TRY(arguments.name<base::VolumeName>("volume"));
                    const base::Bytes size{TRY(arguments.bytes("size"))};
                    const auto volume = pool ? base::VolumeId{*pool, vm, name} : TRY(volume_of(TRY(store.find(vm)), name));
                    TRY(machines.resize(volume, size));
                    return json{{"volume", volume.str()}, {"size", size.count}};
                });
}

void add_names(Methods& methods, vm::Machines& machines, const definitions::DefinitionStore& store, preloading::Preloading& preloading,
               const Access& access) {
    methods.add("vm.remove", Length::Long, Verb::Remove, {"vm"}, [&](const VmName& vm, const Arguments&, const Call& call) -> Result<json> {
        const auto retired = TRY(retire_to_remove(store, preloading, vm, access.shown_to(call.caller)));
        TRY(machines.remove(vm));
        return done();
    });
    methods.add("vm.rename", Length::Long, Verb::Rename, {"vm", "to"},
                [&](const VmName& vm, const Arguments& arguments, const Call& call) -> Result<json> {
                    const auto to = TRY(arguments.name<VmName>("to"));
                    TRY(access.check(call.caller, Verb::Create, to));
                    TRY(machines.rename(vm, to));
                    return done();
                });
    methods.add("vm.clone", Length::Long, Verb::Clone, {"vm", "to"},
                [&](const VmName& vm, const Arguments& arguments, const Call& call) -> Result<json> {
                    const auto to = TRY(arguments.name<VmName>("to"));
                    TRY(access.check(call.caller, Verb::Create, to));
                    TRY(machines.clone(vm, to));
                    return done();
                });
}

}  // namespace

void add_vm_methods(rpc::MethodTable& table, vm::Machines& machines, const definitions::DefinitionStore& store,
                    preloading::Preloading& preloading, const Access& access, const std::filesystem::path& mountpoint) {
    Methods methods(table, access);
    add_listing(table, machines, store, preloading, access);
    add_looking(methods, machines, store);
    add_life(methods, machines, access);
    add_stop(methods, machines, store, preloading, access);
    add_disks(methods, machines, store, access, mountpoint);
    add_names(methods, machines, store, preloading, access);
}

}  // namespace varve::service
