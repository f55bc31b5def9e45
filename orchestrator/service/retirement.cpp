// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/service/retirement.h"

#include <future>
#include <utility>

namespace varve::service {

using base::Result;
using definitions::DefinitionStore;
using preloading::Preloading;

definitions::Definitions others(const DefinitionStore& store, const Preloading& preloading) {
    auto all = store.snapshot();
    std::erase_if(all, [&](const auto& each) { return preloading.holds(each.first); });
    return all;
}

Retirement::Retirement(Preloading& preloading, base::VmName template_vm) : preloading_(preloading), template_vm_(std::move(template_vm)) {
    const auto gone = std::make_shared<std::promise<void>>();
    preloading_.retire(template_vm_, [gone] { gone->set_value(); });
    gone->get_future().wait();
}

Retirement::~Retirement() { preloading_.unretire(template_vm_); }

Result<std::unique_ptr<Retirement>> retire_to_remove(const DefinitionStore& store, Preloading& preloading, const base::VmName& vm,
                                                     const definitions::Shown& shown) {
    const auto definition = TRY(store.find(vm));
    TRY(definitions::check_removable(others(store, preloading), vm, shown));
    if (definitions::disposables_of(definition) == nullptr) return std::unique_ptr<Retirement>();
    return std::make_unique<Retirement>(preloading, vm);
}

Result<std::unique_ptr<Retirement>> retire_to_change(const DefinitionStore& store, Preloading& preloading,
                                                     const definitions::VmDefinition& changed, const definitions::Shown& shown) {
    const auto present = TRY(store.find(changed.name));
    TRY(definitions::check_change(others(store, preloading), changed, shown));
    if (definitions::disposables_of(present) == nullptr || definitions::disposables_of(changed) != nullptr)
        return std::unique_ptr<Retirement>();
    return std::make_unique<Retirement>(preloading, changed.name);
}

}  // namespace varve::service
