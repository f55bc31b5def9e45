// SPDX-License-Identifier: LGPL-2.1-or-later
// The device stacks of a `file` pool: what a VM is given, and what its states are read through. docs/device-stacks.md has pictures.
#pragma once

#include "drivers/base/unique_fd.h"
#include "drivers/file/device_steps.h"
#include "drivers/file/state_files.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>

namespace varve::file {

// What a VM gets as its disk. The kernel's: it outlives the process, and goes with stop.
struct GuestDevice {
    kernel::DmName name;
    kernel::DeviceNumber number;
    [[nodiscard]] std::filesystem::path path() const { return kernel::DeviceMapper::node_path(name); }
};

// A session whose devices are there.
struct RunningStack {
    GuestDevice device;
    DeviceRole role;    // a snapshot session is outdated when role.image and role.cow are no longer its source's
    bool open = false;  // somebody has the guest's device open
};

// Each step makes the wanted devices be there, or leaves what was there before; a repeated one changes nothing, also after a crash
// in the middle of it. Nothing here touches names of files or waits for a guest. Nothing survives a reboot but what is in the files.
//
// Errors of every call, besides those of the ports: Exists when another program's device is in the way, Corrupt when a COW file or a device is
// not what it must be; the messages name the volume and what to do.
//
// Thread-safe: one lock, held over each call. Two processes must not work on one pool. Right after the start of the process recover() belongs first.
class Stacks {
public:
    Stacks(kernel::DeviceMapper& mapper, kernel::Loops& loops, const DeviceNodes& nodes, std::string pool_uuid)
        : ports_{mapper, loops, nodes, DeviceNames(std::move(pool_uuid))} {}

    // ---- sessions
    // The guest reads and writes the image; its state from before goes on being there through the COW file. The image may be larger than that state.
    [[nodiscard]] base::Result<GuestDevice> start_origin(const StateFiles& files);
    // Takes the guest's device away; success when there is none. Busy while somebody has it open. What was written is in the image, durable
    // when the caller has synced it. The COW file may then be replaced (a commit): VMs and views that stand on it keep it by its inode.
    [[nodiscard]] base::Result<> stop_origin(const std::string& volume, int image);
    // Makes the guest's device as large as the image is now; the states keep their sizes. NotFound when it does not run.
    [[nodiscard]] base::Result<> grow_origin(const std::string& volume, int image);

    // The guest reads the source's state, and writes to its own COW file.
    [[nodiscard]] base::Result<GuestDevice> start_snapshot(const StateFiles& source, const CowOver& own);
    // Makes the guest's device end where own.grown ends now. NotFound when it does not run.
    [[nodiscard]] base::Result<> grow_snapshot(const CowOver& own);
    // Success when there is none. Busy while somebody has it open.
    [[nodiscard]] base::Result<> stop_snapshot(const std::string& volume, int own_cow);

    // nullopt when it has no devices.
    [[nodiscard]] base::Result<std::optional<RunningStack>> origin_session(int image) const;
    [[nodiscard]] base::Result<std::optional<RunningStack>> snapshot_session(int own_cow) const;

    // ---- states, as descriptors that can only be read. Each goes on showing the same, whatever happens to the volume later; its devices
    // go when it and its copies are closed (at the next step of this pool when an origin runs over the same image).
    // The committed state; while the volume runs, the one from before its start.
    [[nodiscard]] base::Result<base::UniqueFd> open_state(const StateFiles& files);
    // What the snapshot session with that COW file started from. NotFound when it has no devices.
    [[nodiscard]] base::Result<base::UniqueFd> open_base(const std::string& volume, int own_cow);
    // The state before the present one: `old` was its COW file.
    [[nodiscard]] base::Result<base::UniqueFd> open_revision(const StateFiles& present, const CowOver& old);

    // ---- questions
    // Whether the state differs from what the image holds, which is whether anything was written in a session.
    [[nodiscard]] base::Result<CowUse> use_of(const StateFiles& files) const;
    // The same of a snapshot session.
    [[nodiscard]] base::Result<CowUse> use_of_own(int own_cow) const;
    // How many snapshot sessions run on states of the image that have another COW file.
    [[nodiscard]] base::Result<std::size_t> sessions_on_other_states(int image, int cow) const;
    // Whether a device uses the COW file, but not as that of a state of this image.
    [[nodiscard]] base::Result<bool> cow_is_used_elsewhere(int image, int cow) const;
    // Whether any device stands on the image.
    [[nodiscard]] base::Result<bool> image_is_used(int image) const;

    // ---- leftovers
    // Guests' devices that nobody has open: whether their sessions end (their volumes are dirty then) or go on.
    enum class Unopened { Remove, Keep };
    // Removes what nobody uses of what an earlier process left, and sets going what it left suspended. Only for a pool whose records are
    // there. Goes on after an error, and gives the first.
    [[nodiscard]] base::Result<> recover(Unopened unopened = Unopened::Remove);
    // Removes middle devices that nobody uses any more. Each step does it for its own image.
    [[nodiscard]] base::Result<> tidy();

private:
    using Lock = std::lock_guard<std::mutex>;

    // Each needs the lock.
    [[nodiscard]] base::Result<GuestDevice> running_origin(const PoolDevice& origin, const StateFiles& files, FileId cow,
                                                           const kernel::LoopDevice& loop);
    [[nodiscard]] base::Result<std::optional<kernel::DeviceNumber>> use_top(const DeviceName& name, const DeviceRole& role,
                                                                            kernel::DeviceNumber middle);
    [[nodiscard]] base::Result<kernel::DeviceNumber> make_top(const DeviceName& name, const CowOver& own, kernel::DeviceNumber middle,
                                                              kernel::DmAccess access, kernel::DmBatch& batch);
    [[nodiscard]] base::Result<base::UniqueFd> open_over(const StateFiles& present, const CowOver& old);
    [[nodiscard]] base::Result<> remove_guest_device(const std::string& volume, const PoolDevice& device, kernel::DmBatch& batch);

    mutable std::mutex mutex_;  // over every change, and every look that must not see half of one
    mutable Ports ports_;
};

}  // namespace varve::file
