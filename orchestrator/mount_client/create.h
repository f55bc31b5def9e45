// SPDX-License-Identifier: LGPL-2.1-or-later
// Making VMs and volumes.
#pragma once

#include "orchestrator/mount_client/mount.h"
#include "orchestrator/mount_client/reference.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace varve::mount_client {

struct NewVolume {
    base::VolumeId volume;
    std::string kind;               // of protocol::kind
    std::string content;            // the size in bytes, or of kinds with a source that (source_link)
    std::string revisions_to_keep;  // a number; empty: the pool's
    bool rw = true;
    bool ephemeral = false;
};

// A state as volumes of the same pool name it for their source: "../fedora/root.img@before-upgrade".
[[nodiscard]] std::string source_link(const StateReference& source);
// The way back, of a volume of that pool; InvalidName for anything else.
[[nodiscard]] base::Result<StateReference> parse_source_link(const base::PoolName& pool, std::string_view link);

// The link that a volume has to the volume it starts from, without a revision; empty for kinds without a source.
[[nodiscard]] base::Result<std::string> source_volume_link(const Mount& mount, const base::VolumeId& volume);

// With its settings, in one step: when it fails, is interrupted or killed there is no volume, and at no time one without them.
[[nodiscard]] base::Result<> create_volume(const Mount& mount, const NewVolume& wanted);

// Makes its VM, too, when that is missing. When it fails or is interrupted there is neither; Interrupted also when `interrupted` (may be empty) says so
// before the volume is made.
[[nodiscard]] base::Result<> create_volume_and_vm(const Mount& mount, const NewVolume& wanted, const std::function<bool()>& interrupted);

// Exists when it is there, unless that is fine.
[[nodiscard]] base::Result<> create_vm(const Mount& mount, const VmReference& vm, bool exists_is_fine);

// A VM that is made for what is to come into it: removed again with this, while it is empty, unless it is kept. The mount must outlive it.
class VmToFill {
public:
    // Makes nothing when the VM is there.
    [[nodiscard]] static base::Result<VmToFill> make(const Mount& mount, const VmReference& vm);

    VmToFill(VmToFill&& other) noexcept : mount_(other.mount_), made_(std::exchange(other.made_, {})) {}
    VmToFill& operator=(VmToFill&&) = delete;
    VmToFill(const VmToFill&) = delete;
    VmToFill& operator=(const VmToFill&) = delete;
    ~VmToFill();

    void keep() { made_.reset(); }

private:
    VmToFill(const Mount& mount, std::optional<VmReference> made) : mount_(&mount), made_(std::move(made)) {}

    const Mount* mount_;
    std::optional<VmReference> made_;  // what is to be removed
};

}  // namespace varve::mount_client
