// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/disposables/request.h"

#include "drivers/base/overloaded.h"

namespace varve::disposables {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using base::VmName;
using definitions::Definitions;

Result<VmName> systems_default(const std::optional<VmName>& systems) {
    if (systems) return *systems;
    return fail(Errc::NotFound, "no disposable template is named, and there is no 'default_dispvm'");
}

Result<VmName> tagged(const definitions::Tag& tag, const Definitions& all) {
    for (const auto& [name, vm] : all)
        if (vm.tags.contains(tag) && definitions::disposables_of(vm) != nullptr) return name;
    return fail(Errc::NotFound, "no disposable template has the tag '" + tag.str() + "'");
}

Result<VmName> callers_default(const std::optional<VmName>& caller, const Definitions& all, const std::optional<VmName>& systems) {
    if (!caller) return systems_default(systems);
    const auto found = all.find(*caller);
    if (found == all.end()) return fail(Errc::NotFound, "there is no VM '" + caller->str() + "'");
    return default_for(found->second, systems);
}

Result<VmName> chosen(const Wanted& wanted, const std::optional<VmName>& caller, const Definitions& all,
                      const std::optional<VmName>& systems) {
    return std::visit(base::Overloaded{
                          [](const VmName& name) { return Result<VmName>(name); },
                          [&](const definitions::Tag& tag) { return tagged(tag, all); },
                          [&](TheDefault) { return callers_default(caller, all, systems); },
                      },
                      wanted);
}

}  // namespace

Result<VmName> default_for(const definitions::VmDefinition& vm, const std::optional<VmName>& systems) {
    if (const auto* disposable = std::get_if<definitions::DisposableVm>(&vm.vm_class)) return disposable->template_vm;
    return std::visit(
        base::Overloaded{
            [&](definitions::SystemDefault) { return systems_default(systems); },
            [&](definitions::NoDisposables) {
                return Result<VmName>(fail(Errc::Denied, "'" + vm.name.str() + "' has no disposables: its default_dispvm is \"none\""));
            },
            [](const VmName& name) { return Result<VmName>(name); },
        },
        vm.default_dispvm);
}

Result<VmName> template_for(const Wanted& wanted, const std::optional<VmName>& caller, const Definitions& all,
                            const std::optional<VmName>& systems) {
    auto name = TRY(chosen(wanted, caller, all, systems));
    const auto found = all.find(name);
    if (found == all.end()) return fail(Errc::NotFound, "there is no VM '" + name.str() + "'");
    if (definitions::disposables_of(found->second) == nullptr)
        return fail(Errc::InvalidArgument, "'" + name.str() + "' is not a disposable template; 'template_for_dispvms = true' makes it one");
    return name;
}

}  // namespace varve::disposables
