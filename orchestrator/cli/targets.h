// SPDX-License-Identifier: LGPL-2.1-or-later
// References of the sort that a subcommand wants; anything else is InvalidArgument. Who names a revision where its volume is wanted is told the volume.
#pragma once

#include "orchestrator/mount_client/path_reference.h"

#include <string>
#include <variant>

namespace varve::cli {

using VmOrVolume = std::variant<mount_client::VmReference, base::VolumeId>;

[[nodiscard]] base::Result<base::PoolName> pool_target(const mount_client::ReferenceResolver& resolver, const std::string& text);
[[nodiscard]] base::Result<base::VolumeId> volume_target(const mount_client::ReferenceResolver& resolver, const std::string& text);
[[nodiscard]] base::Result<mount_client::StateReference> state_target(const mount_client::ReferenceResolver& resolver,
                                                                      const std::string& text);
[[nodiscard]] base::Result<VmOrVolume> vm_or_volume_target(const mount_client::ReferenceResolver& resolver, const std::string& text);
// A pool, a VM or a volume, but not one of its revisions.
[[nodiscard]] base::Result<mount_client::Reference> tree_target(const mount_client::ReferenceResolver& resolver, const std::string& text);

}  // namespace varve::cli
