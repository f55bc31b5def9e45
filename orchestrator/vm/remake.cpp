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
using definitions::Remake;

base::Failure taken(const VmName& to) { return fail(Errc::Exists, "there is a VM called " + to.str() + " already"); }

// Says what could not be undone beside the error that made it necessary.
base::Failure with_undo(base::Error error, const Result<>& undone) {
    if (!undone) error.context += "; and it could not be undone: " + undone.error().message();
    return base::Failure(std::move(error));
}

// ---- renames: first the places, then the definition. What was done is known by looking, so that each step can be repeated.

Result<> move_places(const Surroundings& world, const Remake& remake) {
    for (const auto& pool : remake.pools) TRY(world.storage.rename_vm(pool, remake.from, remake.to));
    return {};
}

Result<> move_places_back(const Surroundings& world, const Remake& remake) {
    for (const auto& pool : remake.pools)
        if (!TRY(world.storage.has_vm(pool, remake.from))) TRY(world.storage.rename_vm(pool, remake.to, remake.from));
    return {};
}

Result<> rename_definition(const Surroundings& world, const Remake& remake) {
    auto& definitions = world.definitions;
    if (!definitions.find(remake.from)) return {};
    auto renamed = definitions.rename(remake.from, remake.to);
    // One that was begun before is finished first, and then there is none of that name.
    if (!renamed && !definitions.find(remake.from) && !TRY(definitions.is_rename_begun())) return {};
    return renamed;
}

Result<> carry_out_rename(const Surroundings& world, const Remake& remake) {
    auto done = move_places(world, remake);
    if (done) done = rename_definition(world, remake);
    if (done) return world.definitions.remakes().forget(remake);
    if (TRY(world.definitions.is_rename_begun())) return done;
    const auto undone = move_places_back(world, remake);
    if (!undone) return with_undo(std::move(done).error(), undone);
    TRY(world.definitions.remakes().forget(remake));
    return done;
}

// ---- clones

// Each place is noted before it is made, and only when there is none.
Result<> make_clone(const Surroundings& world, const definitions::VmDefinition& vm, Remake& remake) {
    for (const auto& pool : pools_of(vm)) {
        if (!TRY(world.storage.has_vm(pool, vm.name))) continue;
        if (TRY(world.storage.has_vm(pool, remake.to))) return fail(Errc::Exists, pool.str() + "/" + remake.to.str() + " exists already");
        remake.pools.push_back(pool);
        TRY(world.definitions.remakes().note(remake));
        // What is created from now on is refused; what came just before has the name, and nothing was made yet.
        if (TRY(world.definitions.is_taken(remake.to))) return taken(remake.to);
        auto cloned = world.storage.clone_vm(pool, vm.name, remake.to);
        if (cloned) continue;
        if (cloned.error().code == Errc::Exists) remake.pools.pop_back();  // somebody made it in between
        return cloned;
    }
    (void)TRY(world.definitions.clone(vm.name, remake.to));
    return {};
}

Result<> undo_clone(const Surroundings& world, const Remake& remake) {
    if (!TRY(world.definitions.is_taken(remake.to)))
        for (const auto& pool : remake.pools) TRY(world.storage.remove_vm(pool, remake.to));
    return world.definitions.remakes().forget(remake);
}

}  // namespace

Result<> remove_halted(const Surroundings& world, const definitions::VmDefinition& vm) {
    TRY(definitions::check_removable(world.definitions.snapshot(), vm.name));
    if (const auto left = TRY(world.records.find(vm.name))) TRY(end_session(world.storage, *left));
    TRY(discard_leftovers(world.storage, vm));
    // The definition last: without it nobody would know what is left.
    for (const auto& pool : pools_of(vm)) TRY(world.storage.remove_vm(pool, vm.name));
    TRY(world.records.remove(vm.name));
    return world.definitions.remove(vm.name);
}

Result<> rename_halted(const Surroundings& world, const definitions::VmDefinition& vm, const VmName& to) {
    if (world.definitions.find(to)) return taken(to);
    if (TRY(world.records.find(vm.name)))
        return fail(Errc::Busy,
                    vm.name.str() + " has volumes that its last session left uncommitted: start it, or stop or discard them, first");
    Remake remake{Remake::What::Rename, vm.name, to, {}};
    for (const auto& pool : pools_of(vm)) {
        if (!TRY(world.storage.has_vm(pool, vm.name))) continue;
        if (TRY(world.storage.has_vm(pool, to))) return fail(Errc::Exists, pool.str() + "/" + to.str() + " exists already");
        remake.pools.push_back(pool);
    }
    TRY(world.definitions.remakes().note(remake));
    return carry_out_rename(world, remake);
}

Result<> clone_vm(const Surroundings& world, const definitions::VmDefinition& vm, const VmName& to) {
    if (TRY(world.definitions.is_taken(to))) return taken(to);
    Remake remake{Remake::What::Clone, vm.name, to, {}};
    auto made = make_clone(world, vm, remake);
    if (made) return world.definitions.remakes().forget(remake);
    return with_undo(std::move(made).error(), undo_clone(world, remake));
}

Result<> finish_remake(const Surroundings& world, const Remake& remake) {
    return remake.what == Remake::What::Rename ? carry_out_rename(world, remake) : undo_clone(world, remake);
}

}  // namespace varve::vm
