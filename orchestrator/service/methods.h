// SPDX-License-Identifier: LGPL-2.1-or-later
// The methods of the orchestrator's API (docs/orchestrator-api.md). What they refer to outlives the table, and is thread-safe.
#pragma once

#include "orchestrator/definitions/store.h"
#include "orchestrator/hypervisor/hypervisor.h"
#include "orchestrator/preloading/preloading.h"
#include "orchestrator/rpc/method_table.h"
#include "orchestrator/service/access.h"
#include "orchestrator/service/disposables.h"
#include "orchestrator/service/versions.h"
#include "orchestrator/vm/machines.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

namespace varve::service {

// vm.create, vm.set
void add_definition_methods(rpc::MethodTable& methods, definitions::DefinitionStore& store, preloading::Preloading& preloading,
                            const Access& access);

// vm.list, vm.info, vm.start, vm.stop, vm.kill, vm.pause, vm.resume, vm.console, vm.attach, vm.detach, vm.resize, vm.remove, vm.rename, vm.clone.
// Only what is below the mountpoint can be attached by others than administrators.
void add_vm_methods(rpc::MethodTable& methods, vm::Machines& machines, const definitions::DefinitionStore& store,
                    preloading::Preloading& preloading, const Access& access, const std::filesystem::path& mountpoint);

// domain.info, domain.undefine. The function gives a hypervisor by its URI, or the default one.
using HypervisorFinder = std::function<std::shared_ptr<hypervisor::Hypervisor>(const std::optional<definitions::HypervisorUri>& uri)>;
void add_domain_methods(rpc::MethodTable& methods, const HypervisorFinder& hypervisor, const Access& access);

// disp.run
void add_disposable_methods(rpc::MethodTable& methods, Disposables& disposables, preloading::Preloading& preloading, const Access& access);

// preload.status, preload.refresh, preload.begin, preload.suspend, preload.resume
void add_preload_methods(rpc::MethodTable& methods, preloading::Preloading& preloading, const Access& access);

// template.list, template.status, template.rollback
void add_template_methods(rpc::MethodTable& methods, const definitions::DefinitionStore& store, vm::Machines& machines, Versions& versions,
                          const preloading::Preloading& preloading, const Access& access);

}  // namespace varve::service
