// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/service/attach_paths.h"

#include "fs/protocol/names.h"

#include <string>
#include <system_error>
#include <vector>

namespace varve::service {
namespace {

namespace stdfs = std::filesystem;
using base::Errc;
using base::fail;
using base::Result;
using base::VmName;

base::Failure refusal() {
    return fail(
        Errc::Denied,
        "you may attach states of VMs in the mount (pools/POOL/VM/VOLUME.img or VOLUME.img@REVISION, as an absolute path without '..'); "
        "everything else is for administrators");
}

bool is_state(const std::string& file) {
    const auto name = file.substr(0, file.find(protocol::revision_separator));
    if (!name.ends_with(protocol::volume_suffix)) return false;
    return base::VolumeName::parse(name.substr(0, name.size() - protocol::volume_suffix.size())).has_value();
}

// Whose state that is, below the mountpoint.
Result<VmName> owner_below(const stdfs::path& path, const stdfs::path& mountpoint) {
    std::vector<std::string> parts;
    for (const auto& part : path.lexically_relative(mountpoint)) parts.push_back(part.string());
    const bool in_pool = parts.size() == 4 && parts[0] == protocol::pools_directory && base::PoolName::parse(parts[1]);
    const bool in_vms = parts.size() == 3 && parts[0] == protocol::vms_directory;
    if ((!in_pool && !in_vms) || !is_state(parts.back())) return refusal();
    auto vm = VmName::parse(parts[parts.size() - 2]);
    if (!vm) return refusal();
    return *std::move(vm);
}

Result<stdfs::path> real(const stdfs::path& path) {
    std::error_code error;
    auto found = stdfs::canonical(path, error);
    if (error) return base::fail_errno(error.value(), "cannot look at '" + path.string() + "'");
    return found;
}

}  // namespace

Result<VmName> AttachPaths::owner_of(const stdfs::path& path) const {
    // Written otherwise it may be elsewhere than it says, by links.
    if (path.lexically_normal().native() != path.native()) return refusal();
    return owner_below(path, mountpoint_.lexically_normal());
}

Result<stdfs::path> AttachPaths::follow(const stdfs::path& path) const {
    const auto mount = TRY(real(mountpoint_));
    const auto found = TRY(real(path));
    (void)TRY(owner_below(found, mount));
    return mountpoint_.lexically_normal() / found.lexically_relative(mount);
}

}  // namespace varve::service
