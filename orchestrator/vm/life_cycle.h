// SPDX-License-Identifier: LGPL-2.1-or-later
// The life cycle of this host's VMs: starts and stops them as stages, hears of what happens to them, and repairs what a killed predecessor
// left (docs/orchestrator.md).
#pragma once

#include "orchestrator/vm/hypervisors.h"
#include "orchestrator/vm/machines.h"
#include "orchestrator/vm/recovery.h"
#include "orchestrator/vm/surroundings.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace varve::vm {

struct Repaired {
    base::VmName vm;
    Repair repair;
    std::string trouble;  // why it could not be done; empty when it was
    std::string remark{};
};

// Its destructor waits for what is under way and leaves running VMs running.
class LifeCycle : public Machines {
public:
    // Compares libvirt's domains, the records of sessions and the volumes, and repairs the difference. To be called once, before anything
    // else. A hypervisor that does not answer is caught up with as soon as it does.
    [[nodiscard]] virtual std::vector<Repaired> recover() = 0;

    // The volumes can be reached (again): what could not be ended without them is ended, in a thread of this service.
    virtual void storage_came() = 0;

    // The volume has another size, by whomever: a guest that runs on it is told, in a thread of this service. What goes wrong with that is the VM's
    // trouble.
    virtual void volume_grew(const base::VolumeId& volume) = 0;

    // The one at the URI, by default the one of VMs that name none, to look at domains that are not VMs'.
    [[nodiscard]] virtual std::shared_ptr<hypervisor::Hypervisor> hypervisor(const std::optional<definitions::HypervisorUri>& uri) = 0;
};

// The references outlive it. `make` is called when a hypervisor is first needed, `open_xenstore` when a domain on Xen is.
[[nodiscard]] std::unique_ptr<LifeCycle> make_life_cycle(definitions::DefinitionStore& definitions, Storage& storage,
                                                         SessionRecords& records, HypervisorMaker make, XenStoreMaker open_xenstore,
                                                         LifeCycleSettings settings);

}  // namespace varve::vm
