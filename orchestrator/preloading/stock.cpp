// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/preloading/stock.h"

#include "orchestrator/disposables/make.h"

#include <utility>

namespace varve::preloading {

preload::Settings settings_of(const definitions::Definitions& all, const SystemSettings& system, const std::set<base::VmName>& retired) {
    preload::Settings settings;
    settings.default_dispvm = system.default_dispvm;
    settings.system_max = system.max;
    settings.delay = system.delay;
    settings.threshold = system.threshold;
    for (const auto& [name, vm] : all) {
        const auto* disposables = definitions::disposables_of(vm);
        if (disposables == nullptr || retired.contains(name)) continue;
        settings.templates[name] = {disposables->preload_max, disposables->preload_delay, vm.memory.initial};
    }
    return settings;
}

base::Result<Inherited> inherited_from(const definitions::VmDefinition& template_vm) {
    return inherited_by(TRY(disposables::disposable_of(template_vm, template_vm.name, true)));
}

Inherited inherited_by(definitions::VmDefinition disposable) {
    auto addresses = definitions::fixed_addresses(disposable.interfaces);
    // Each has its own.
    disposable.uuid.reset();
    disposable.interfaces.clear();  // they follow when it is handed out
    if (const auto* template_vm = definitions::template_of(disposable)) disposable.name = *template_vm;
    return {std::move(disposable), std::move(addresses)};
}

}  // namespace varve::preloading
