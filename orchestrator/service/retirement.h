// SPDX-License-Identifier: LGPL-2.1-or-later
// A disposable template that is about to go, or to be one no more: its preloaded disposables are nobody's reason against it, and go first.
#pragma once

#include "orchestrator/definitions/rules.h"
#include "orchestrator/definitions/store.h"
#include "orchestrator/preloading/preloading.h"

#include <memory>

namespace varve::service {

// Without the preloaded ones.
[[nodiscard]] definitions::Definitions others(const definitions::DefinitionStore& store, const preloading::Preloading& preloading);

// From its making until it goes the template has no preloaded disposables.
class Retirement {
public:
    // Waits until they have gone.
    Retirement(preloading::Preloading& preloading, base::VmName template_vm);
    ~Retirement();
    Retirement(const Retirement&) = delete;
    Retirement& operator=(const Retirement&) = delete;

private:
    preloading::Preloading& preloading_;
    const base::VmName template_vm_;
};

// Before a VM is removed, or changed to be `changed`: nothing unless disposables are made of it now, and will not be. Whatever else stands
// against the removal or the change is an error first, as in check_removable() and check_change(), and names only VMs that may be shown.
[[nodiscard]] base::Result<std::unique_ptr<Retirement>> retire_to_remove(const definitions::DefinitionStore& store,
                                                                         preloading::Preloading& preloading, const base::VmName& vm,
                                                                         const definitions::Shown& shown);
[[nodiscard]] base::Result<std::unique_ptr<Retirement>> retire_to_change(const definitions::DefinitionStore& store,
                                                                         preloading::Preloading& preloading,
                                                                         const definitions::VmDefinition& changed,
                                                                         const definitions::Shown& shown);

}  // namespace varve::service
