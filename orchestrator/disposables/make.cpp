// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/disposables/make.h"

#include "drivers/base/overloaded.h"

namespace varve::disposables {

std::vector<DisposableVolume> volumes_of(const base::VmName& template_vm, const std::vector<TemplateVolume>& volumes) {
    using Kind = std::variant<StartsFrom, EmptyAtStart>;
    std::vector<DisposableVolume> made;
    made.reserve(volumes.size());
    for (const auto& volume : volumes) {
        auto own = std::visit(base::Overloaded{
                                  [&](Keeps) {
                                      return Kind(StartsFrom{{{template_vm, volume.use.volume}, std::nullopt}});
                                  },
                                  [](const StartsFrom& from) { return Kind(from); },
                                  [](EmptyAtStart empty) { return Kind(empty); },
                              },
                              volume.kind);
        made.push_back({volume.use.volume, volume.use.pool, std::move(own)});
    }
    return made;
}

std::vector<definitions::Interface> interfaces_of(const definitions::VmDefinition& template_vm) {
    auto interfaces = template_vm.interfaces;
    for (auto& interface : interfaces) interface.mac.reset();
    return interfaces;
}

base::Result<definitions::VmDefinition> disposable_of(const definitions::VmDefinition& template_vm, const base::VmName& name,
                                                      bool auto_cleanup) {
    if (definitions::disposables_of(template_vm) == nullptr)
        return base::fail(base::Errc::InvalidArgument,
                          "'" + template_vm.name.str() + "' is not a disposable template; 'template_for_dispvms = true' makes it one");
    auto vm = template_vm;
    vm.name = name;
    vm.vm_class = definitions::DisposableVm{template_vm.name, auto_cleanup};
    vm.uuid = TRY(definitions::random_uuid());
    vm.devices.clear();
    vm.interfaces = interfaces_of(template_vm);
    vm.default_dispvm = template_vm.name;
    return vm;
}

}  // namespace varve::disposables
