// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/definitions/vm_definition.h"

#include "drivers/base/overloaded.h"

namespace varve::definitions {

const base::VmName* template_of(const VmDefinition& vm) {
    if (const auto* app = std::get_if<AppVm>(&vm.vm_class)) return &app->template_vm;
    if (const auto* disposable = std::get_if<DisposableVm>(&vm.vm_class)) return &disposable->template_vm;
    return nullptr;
}

const DisposableSettings* disposables_of(const VmDefinition& vm) {
    const auto* app = std::get_if<AppVm>(&vm.vm_class);
    return app != nullptr && app->disposables ? &*app->disposables : nullptr;
}

std::map<std::size_t, IpAddress> fixed_addresses(const std::vector<Interface>& interfaces) {
    std::map<std::size_t, IpAddress> addresses;
    for (std::size_t index = 0; index < interfaces.size(); ++index)
        if (interfaces[index].ip) addresses.emplace(index, *interfaces[index].ip);
    return addresses;
}

std::string_view class_name(const VmDefinition& vm) {
    return std::visit(base::Overloaded{
                          [](const TemplateVm&) { return "template"; },
                          [](const AppVm&) { return "app"; },
                          [](const StandaloneVm&) { return "standalone"; },
                          [](const DisposableVm&) { return "disposable"; },
                      },
                      vm.vm_class);
}

}  // namespace varve::definitions
