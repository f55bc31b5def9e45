// SPDX-License-Identifier: LGPL-2.1-or-later
// The VMs of this host: what the orchestrator's API calls.
#pragma once

#include "drivers/base/names.h"
#include "drivers/base/revision_name.h"
#include "drivers/base/units.h"
#include "orchestrator/definitions/vm_definition.h"
#include "orchestrator/vm/stage.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace varve::vm {

enum class VmState {
    Halted,
    Starting,
    Running,
    Paused,
    Stopping,  // its domain goes, or has gone and its volumes stop
    Unknown,   // its hypervisor does not answer
};

// "halted", "starting", "running", "paused", "stopping", "unknown".
[[nodiscard]] std::string_view name_of(VmState state);

struct VmInfo {
    base::VmName name;
    VmState state = VmState::Halted;
    std::optional<definitions::Uuid> domain;  // of its domain while there is one
    std::string trouble;                      // what went wrong with it last and still matters; else empty
};

// A disk as the VM has it now.
struct DiskInfo {
    definitions::TargetName target;
    std::filesystem::path source;
    bool read_only = false;
};

struct StartReport {
    base::VmName vm;
    std::vector<StageTiming> stages;
    std::vector<StartReport> needed;    // the VMs that were started for it, in that order
    std::vector<std::string> findings;  // what `verify` found in its volumes; no reason to refuse
};

struct StoppedVolume {
    base::VolumeId volume;
    bool committed = false;
    std::string revision;  // the name of the state that was kept; empty when none was
};

struct StopReport {
    base::VmName vm;
    bool killed = false;  // the guest did not shut down in time
    std::vector<StageTiming> stages;
    std::vector<StoppedVolume> volumes;
};

struct CommitReport {
    base::VmName vm;
    bool frozen = false;     // the guest's file systems were frozen meanwhile, so that what it had in memory is in the states too
    std::string not_frozen;  // else why
    std::vector<StoppedVolume> volumes;
};

struct StopRequest {
    std::chrono::milliseconds deadline = std::chrono::seconds(60);
    bool then_kill = true;  // else the deadline is an error (TimedOut), and the VM runs on
    // Asked when everybody can see that the VM is stopping, and nothing has been done to it: its error calls the stop off. What starts from then on and
    // needs the VM waits for its end and starts it again.
    std::function<base::Result<>()> agree = {};
};

// A disk to plug into a running VM. Without `writable`, any state: a revision, the committed state of a volume (a copy of it that changes with
// nothing), a device of the host.
struct AttachRequest {
    std::filesystem::path path;  // absolute: in the mount, or of the host
    std::optional<definitions::TargetName> target;
    bool writable = false;
};

// A change of state, however it came about. `reason` is empty or says more ("the guest shut down").
struct VmEvent {
    base::VmName vm;
    VmState state;
    std::string reason;
};

// The guest began to run or stood still, as its hypervisor tells it: in its order, and also when the VM's state says the same already.
struct GuestEvent {
    base::VmName vm;
    bool runs = false;
};

// What a guest has of memory.
struct GuestMemory {
    base::Bytes now;
    std::optional<base::Bytes> used;  // by the guest's own account; absent: its balloon driver says nothing
};

// Ends with this object; the listener is not called after that.
class VmSubscription {
public:
    VmSubscription() = default;
    VmSubscription(const VmSubscription&) = delete;
    VmSubscription& operator=(const VmSubscription&) = delete;
    virtual ~VmSubscription() = default;
};

// Thread-safe. Calls block until the outcome is known, each wait with a deadline; a second operation on a VM that is in the middle of one is Busy.
// Unknown names are NotFound. A failed operation has undone what it did; its error names the stage and the cause.
class Machines {
public:
    Machines() = default;
    Machines(const Machines&) = delete;
    Machines& operator=(const Machines&) = delete;
    virtual ~Machines() = default;

    // From memory: asks neither the hypervisor nor the mount.
    [[nodiscard]] virtual std::vector<VmInfo> list() const = 0;
    [[nodiscard]] virtual base::Result<VmInfo> info(const base::VmName& vm) const = 0;
    [[nodiscard]] virtual base::Result<std::vector<DiskInfo>> disks(const base::VmName& vm) const = 0;

    [[nodiscard]] virtual base::Result<StartReport> start(const base::VmName& vm, const StageListener& listener) = 0;
    [[nodiscard]] virtual base::Result<StopReport> stop(const base::VmName& vm, const StopRequest& request,
                                                        const StageListener& listener) = 0;
    // No matter what the guest does. Its volumes commit or discard by kind, as after any stop.
    [[nodiscard]] virtual base::Result<StopReport> kill(const base::VmName& vm, const StageListener& listener) = 0;
    [[nodiscard]] virtual base::Result<> pause(const base::VmName& vm) = 0;
    [[nodiscard]] virtual base::Result<> resume(const base::VmName& vm) = 0;

    // What a running or paused VM has written to the volumes that keep it. Its file systems are frozen meanwhile when its agent can. Degraded when
    // they could not be thawed again.
    [[nodiscard]] virtual base::Result<CommitReport> commit(const base::VmName& vm) = 0;

    // The terminal device of the guest's first serial console; NotFound when it has none.
    [[nodiscard]] virtual base::Result<std::filesystem::path> console(const base::VmName& vm) const = 0;

    // What `vm` was given as; removed with its volumes' places in every pool. Refused while it is not halted, others need it, or it is a
    // template with children.
    [[nodiscard]] virtual base::Result<> remove(const base::VmName& vm) = 0;
    // Definition and volumes. Refused while either exists under the new name, or the VM is not halted.
    [[nodiscard]] virtual base::Result<> rename(const base::VmName& vm, const base::VmName& to) = 0;
    // Volumes too: instantly within a pool's abilities. Allowed while the VM runs; the clone has its committed states.
    [[nodiscard]] virtual base::Result<> clone(const base::VmName& vm, const base::VmName& to) = 0;

    // A running or paused VM. `attach` gives the name that the guest's disk got.
    [[nodiscard]] virtual base::Result<definitions::TargetName> attach(const base::VmName& vm, const AttachRequest& request) = 0;
    [[nodiscard]] virtual base::Result<> detach(const base::VmName& vm, const definitions::TargetName& target) = 0;
    // The networks of a running or paused VM, and of its definition, at once. After an error it may have some of both: end it.
    [[nodiscard]] virtual base::Result<> set_networks(const base::VmName& vm, const std::vector<definitions::Interface>& interfaces) = 0;
    // The storage, and what a running guest sees. `size` in whole sectors; only growth.
    [[nodiscard]] virtual base::Result<> resize(const base::VolumeId& volume, base::Bytes size) = 0;

    // What another VM of this one's hypervisor could have: what is free, without what starts under way were promised. Those of `but` are not counted.
    [[nodiscard]] virtual base::Result<base::Bytes> free_memory(const base::VmName& vm, const std::set<base::VmName>& but) const = 0;
    // Of a VM with a guest. `set_memory` asks the guest, which gives back or takes as it can.
    [[nodiscard]] virtual base::Result<GuestMemory> memory(const base::VmName& vm) const = 0;
    [[nodiscard]] virtual base::Result<> set_memory(const base::VmName& vm, base::Bytes memory) = 0;

    // Called in a thread of the service, with no lock held: it must not wait for an operation of this interface.
    [[nodiscard]] virtual std::unique_ptr<VmSubscription> subscribe(std::function<void(const VmEvent&)> listener) = 0;
    [[nodiscard]] virtual std::unique_ptr<VmSubscription> watch_guests(std::function<void(const GuestEvent&)> listener) = 0;
};

}  // namespace varve::vm
