// SPDX-License-Identifier: LGPL-2.1-or-later
// The file of a state, before it is copied from or to.
#pragma once

#include "orchestrator/mount_client/mount.h"
#include "orchestrator/mount_client/reference.h"

namespace varve::mount_client {

// Opens it for reading; NotFound names the state.
[[nodiscard]] base::Result<base::UniqueFd> open_state(const Mount& mount, const StateReference& state);

// Whether a new state may get that name, before work is put into it: NotFound when the VM's directory is missing, with Replace::No Exists when the
// state is there. The rename at the end decides.
[[nodiscard]] base::Result<> check_destination(const Mount& mount, const StateReference& state, Mount::Replace replace);

}  // namespace varve::mount_client
