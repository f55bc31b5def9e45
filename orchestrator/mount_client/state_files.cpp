// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/state_files.h"

namespace varve::mount_client {

using base::Errc;
using base::fail;
using base::Result;

Result<base::UniqueFd> open_state(const Mount& mount, const StateReference& state) {
    auto file = mount.open_for_reading(state_path(state));
    if (!file && file.error().cause == std::errc::no_such_file_or_directory) return fail(Errc::NotFound, state.str() + " does not exist");
    return file;
}

Result<> check_destination(const Mount& mount, const StateReference& state, Mount::Replace replace) {
    const auto vm = state.vm();
    if (!TRY(mount.exists(vm_directory(vm))))
        return fail(Errc::NotFound, vm.str() + " does not exist: make it with mkdir '" + mount.path() + "/" + vm_directory(vm) + "'");
    if (replace == Mount::Replace::No && TRY(mount.exists(state_path(state)))) return fail(Errc::Exists, state.str() + " exists already");
    return {};
}

}  // namespace varve::mount_client
