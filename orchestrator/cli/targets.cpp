// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/cli/targets.h"

namespace varve::cli {
namespace {

using base::Errc;
using base::Result;
using mount_client::PoolReference;
using mount_client::ReferenceResolver;
using mount_client::StateReference;
using mount_client::VmReference;

base::Failure wanted(const std::string& what, const std::string& text) {
    return base::fail(Errc::InvalidArgument, "'" + text + "' does not name " + what);
}

base::Failure one_revision(const base::VolumeId& volume, const std::string& text) {
    return base::fail(Errc::InvalidArgument, "'" + text + "' is one revision; name its volume " + volume.str());
}

}  // namespace

Result<base::PoolName> pool_target(const ReferenceResolver& resolver, const std::string& text) {
    const auto reference = TRY(resolver.resolve(text));
    if (const auto* pool = std::get_if<PoolReference>(&reference)) return pool->pool;
    return wanted("a pool (POOL)", text);
}

Result<StateReference> state_target(const ReferenceResolver& resolver, const std::string& text) {
    const auto reference = TRY(resolver.resolve(text));
    if (const auto* state = std::get_if<StateReference>(&reference)) return *state;
    return wanted("a volume (POOL/VM/VOLUME)", text);
}

Result<base::VolumeId> volume_target(const ReferenceResolver& resolver, const std::string& text) {
    const auto state = TRY(state_target(resolver, text));
    if (state.revision) return one_revision(state.volume, text);
    return state.volume;
}

Result<VmOrVolume> vm_or_volume_target(const ReferenceResolver& resolver, const std::string& text) {
    const auto reference = TRY(tree_target(resolver, text));
    if (const auto* vm = std::get_if<VmReference>(&reference)) return *vm;
    if (const auto* state = std::get_if<StateReference>(&reference)) return state->volume;
    return wanted("a VM (POOL/VM) or a volume (POOL/VM/VOLUME)", text);
}

Result<mount_client::Reference> tree_target(const ReferenceResolver& resolver, const std::string& text) {
    auto reference = TRY(resolver.resolve(text));
    const auto* state = std::get_if<StateReference>(&reference);
    if (state != nullptr && state->revision) return one_revision(state->volume, text);
    return reference;
}

}  // namespace varve::cli
