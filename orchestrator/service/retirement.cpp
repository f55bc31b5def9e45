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

Result<std::unique_ptr<Retirement>> retire_to_remove(const DefinitionStore& store, Preloading& preloading, const base::VmName& vm) {
    if (definitions::disposables_of(TRY(store.find(vm))) == nullptr) return std::unique_ptr<Retirement>();
    TRY(definitions::check_removable(others(store, preloading), vm));
    return std::make_unique<Retirement>(preloading, vm);
}

Result<std::unique_ptr<Retirement>> retire_to_change(const DefinitionStore& store, Preloading& preloading,
                                                     const definitions::VmDefinition& changed) {
    if (definitions::disposables_of(TRY(store.find(changed.name))) == nullptr || definitions::disposables_of(changed) != nullptr)
        return std::unique_ptr<Retirement>();
    TRY(definitions::check_change(others(store, preloading), changed));
    return std::make_unique<Retirement>(preloading, changed.name);
}

}  // namespace varve::service
