// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/remake.h"

#include "orchestrator/definitions/rules.h"
#include "orchestrator/vm/sessions.h"

#include <utility>

namespace varve::vm {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using base::VmName;

// Says what could not be undone beside the error that made it necessary.
base::Failure with_undo(base::Error error, const Result<>& undone) {
    if (!undone) error.context += "; and it could not be undone: " + undone.error().message();
    return base::Failure(std::move(error));
}

}  // namespace

Result<> remove_halted(const Surroundings& world, const definitions::VmDefinition& vm) {
    TRY(definitions::check_removable(world.definitions.snapshot(), vm.name));
    TRY(discard_leftovers(world.storage, vm));
    // The definition last: without it nobody would know what is left.
    for (const auto& pool : pools_of(vm)) TRY(world.storage.remove_vm(pool, vm.name));
    TRY(world.records.remove(vm.name));
    return world.definitions.remove(vm.name);
}

Result<> rename_halted(const Surroundings& world, const definitions::VmDefinition& vm, const VmName& to) {
    if (world.definitions.find(to)) return fail(Errc::Exists, "there is a VM called " + to.str() + " already");
    if (TRY(world.records.find(vm.name)))
        return fail(Errc::Busy,
                    vm.name.str() + " has volumes that its last session left uncommitted: start it, or stop or discard them, first");
    std::vector<base::PoolName> done;
    const auto undo = [&]() -> Result<> {
        for (const auto& pool : done) TRY(world.storage.rename_vm(pool, to, vm.name));
        return {};
    };
    for (const auto& pool : pools_of(vm)) {
        auto renamed = world.storage.rename_vm(pool, vm.name, to);
        if (!renamed) return with_undo(std::move(renamed).error(), undo());
        done.push_back(pool);
    }
    auto renamed = world.definitions.rename(vm.name, to);
    if (!renamed) return with_undo(std::move(renamed).error(), undo());
    return {};
}

Result<> clone_vm(const Surroundings& world, const definitions::VmDefinition& vm, const VmName& to) {
    if (world.definitions.find(to)) return fail(Errc::Exists, "there is a VM called " + to.str() + " already");
    std::vector<base::PoolName> done;
    const auto undo = [&]() -> Result<> {
        for (const auto& pool : done) TRY(world.storage.remove_vm(pool, to));
        return {};
    };
    for (const auto& pool : pools_of(vm)) {
        auto cloned = world.storage.clone_vm(pool, vm.name, to);
        if (!cloned) return with_undo(std::move(cloned).error(), undo());
        done.push_back(pool);
    }
    auto cloned = world.definitions.clone(vm.name, to);
    if (!cloned) return with_undo(std::move(cloned).error(), undo());
    return {};
}

}  // namespace varve::vm
