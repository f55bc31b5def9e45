// SPDX-License-Identifier: LGPL-2.1-or-later
// The driver interface: one Pool per configured pool.
#pragma once

#include "drivers/api/capabilities.h"
#include "drivers/api/command.h"
#include "drivers/api/view.h"
#include "drivers/base/extent.h"
#include "drivers/base/unique_fd.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve::api {

struct Space {
    base::Bytes size;
    base::Bytes used;
    base::Bytes available;  // to an unprivileged writer
};

// Which state of a volume is meant.
struct CommittedState {};
struct BaseState {};  // the one the running session started from
using StateRef = std::variant<CommittedState, base::RevisionId, BaseState>;

// Found by verify: something that is not as it should be, in words.
struct Finding {
    std::string object;  // the path or LV it is about
    std::string what;
};

// Thread-safety: calls for different VMs may run at the same time. For one VM the caller (the engine's locks) runs at most one
// call that changes it at a time; open_state, open_image, space, exclusive and verify may run beside it.
//
// Crash safety: when a call returns success its effect is durable. When the process or machine dies inside a call, the next
// load_vm finds either the state before it or the state after it, and removes what was left half-made.
//
// A call that fails has changed nothing that a reader can see, unless the error is Degraded; the caller then asks load_volume again.
class Pool {
public:
    virtual ~Pool() = default;
    Pool() = default;
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    [[nodiscard]] virtual Capabilities capabilities() const = 0;
    [[nodiscard]] virtual base::Result<Space> space() const = 0;
    // Driver parameters as configured, for `.varve/config`.
    [[nodiscard]] virtual std::vector<std::pair<std::string, std::string>> parameters() const = 0;
    // The directory whose lock file says who owns the pool; nullopt when nobody else could open it (sim).
    [[nodiscard]] virtual std::optional<std::filesystem::path> lock_directory() const = 0;

    // ---- its end
    // The administrator takes the pool away; what it stores stays. Called with nothing in use and the pool still owned; an error keeps the pool.
    // After a success it is destroyed as soon as the last open file of it is closed.
    [[nodiscard]] virtual base::Result<> before_removal() { return {}; }

    // ---- the places of VMs
    // Finishes or undoes what a crash interrupted across VMs. Called once, before anything else, with the pool owned.
    [[nodiscard]] virtual base::Result<> recover() = 0;
    [[nodiscard]] virtual base::Result<std::vector<base::VmName>> list_vms() const = 0;
    // Looks at the disk, removes this VM's leftovers of a crash, and tells what is there. Later calls for a VM that is loaded
    // give states new ids: only for VMs whose views nobody holds.
    [[nodiscard]] virtual base::Result<VmView> load_vm(const base::VmName& vm) = 0;
    [[nodiscard]] virtual base::Result<> create_vm(const base::VmName& vm, const Ownership& ownership) = 0;
    // NotEmpty while it has volumes, revisions, or foreign entries.
    [[nodiscard]] virtual base::Result<> remove_vm(const base::VmName& vm) = 0;
    [[nodiscard]] virtual base::Result<> set_ownership(const base::VmName& vm, const Ownership& ownership) = 0;
    // Renames with all that belongs to it; `children` are the volumes whose source lies in `from`, and follow in the same step.
    [[nodiscard]] virtual base::Result<> rename_vm(const base::VmName& from, const base::VmName& to,
                                                   const std::vector<base::VolumePath>& children) = 0;

    // ---- volumes
    // Checks the rules that all drivers share (rules.h), then runs the command and returns the volume as it is afterwards,
    // or nullopt when nothing of it is left. `present` is the volume as the caller knows it, nullptr for one that does not exist.
    [[nodiscard]] base::Result<std::optional<VolumeView>> execute(const base::VolumePath& volume, const VolumeView* present,
                                                                  const Command& command);
    // Looks at the disk again, after a failed command. Keeps the ids of states in `known` that are still there.
    [[nodiscard]] virtual base::Result<std::optional<VolumeView>> load_volume(const base::VolumePath& volume, const VolumeView* known) = 0;
    // With all revisions; `to` does not exist in any form. States keep their ids.
    [[nodiscard]] virtual base::Result<> rename_volume(const base::VolumePath& from, const base::VolumePath& to, const VolumeView& present,
                                                       const std::vector<base::VolumePath>& children) = 0;

    // ---- data
    // A descriptor (O_RDONLY) that goes on showing this state whatever happens to its name. An error, and never another state, when a command that is
    // under way has moved it.
    [[nodiscard]] virtual base::Result<base::UniqueFd> open_state(const base::VolumePath& volume, const VolumeView& view,
                                                                  const StateRef& state) const = 0;
    // A private image in the VM's place: empty, or (when `content` is given) a copy-on-write clone of that open state.
    [[nodiscard]] virtual base::Result<PrivateImage> create_image(const base::VmName& vm, std::optional<int> content) = 0;
    // Makes a range of `to` share the data of `from` (a descriptor of a state or private image of this pool).
    // `length` 0 means to the end. Unsupported when the driver would have to copy or the range is not aligned for it.
    [[nodiscard]] virtual base::Result<> clone_range(int from, base::Bytes from_offset, PrivateImage& to, base::Bytes to_offset,
                                                     base::Bytes length) = 0;
    // What to hand to a hypervisor: a block device or an image. NotFound while not started.
    [[nodiscard]] virtual base::Result<std::filesystem::path> device(const base::VolumePath& volume, const VolumeView& view) const = 0;
    // Bytes that only this state holds, so that removing it frees them.
    [[nodiscard]] virtual base::Result<base::Bytes> exclusive(const base::VolumePath& volume, const VolumeView& view,
                                                              const StateRef& state) const = 0;
    // Where two states may differ, from what the storage shares, without reading them: outside of these extents they are the same, with zeros behind the
    // end of the shorter one. Everything, when the driver cannot tell.
    [[nodiscard]] virtual base::Result<base::Extents> may_differ(const base::VolumePath& /*volume*/, const VolumeView& /*view*/,
                                                                 const StateRef& /*one*/, const StateRef& /*other*/) const {
        return base::Extents{{{0}, base::largest_volume}};
    }
    // Makes the next start of this volume fast (reflink: the precache). Called without the volume's lock, in the background: `present`
    // may be out of date, and then nothing may happen; `still_current` tells, and holds the volume's lock while it is alive.
    class StillCurrent {
    public:
        virtual ~StillCurrent() = default;
    };
    using LockIfCurrent = std::function<std::unique_ptr<StillCurrent>()>;  // nullptr: the volume has changed
    [[nodiscard]] virtual base::Result<> prepare_start(const base::VolumePath& volume, const VolumeView& present,
                                                       const LockIfCurrent& lock_if_current) = 0;
    // Looks for what is wrong without changing it. Also names foreign entries.
    [[nodiscard]] virtual base::Result<std::vector<Finding>> verify(const base::VmName& vm) const = 0;

protected:
    // For a pool that stands before another one: the rules have been checked already, with what both can do together.
    [[nodiscard]] static base::Result<std::optional<VolumeView>> run_checked(Pool& pool, const base::VolumePath& volume,
                                                                             const VolumeView* present, const Command& command) {
        return pool.run(volume, present, command);
    }

private:
    [[nodiscard]] virtual base::Result<std::optional<VolumeView>> run(const base::VolumePath& volume, const VolumeView* present,
                                                                      const Command& command) = 0;
};

}  // namespace varve::api
