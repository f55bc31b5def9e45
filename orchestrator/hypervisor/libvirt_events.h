// SPDX-License-Identifier: LGPL-2.1-or-later
// libvirt's domain events, as ours.
#pragma once

#include "drivers/base/result.h"
#include "orchestrator/hypervisor/listeners.h"

#include <libvirt/libvirt.h>

#include <memory>
#include <vector>

namespace varve::hypervisor {

// The registrations of one connection: none is called after the destructor but one that runs already.
class EventRegistrations {
public:
    // Those the driver does not have are left out, but it must tell of starts and stops. The connection outlives this.
    [[nodiscard]] static base::Result<std::unique_ptr<EventRegistrations>> make(virConnectPtr connection,
                                                                                const std::shared_ptr<const Listeners>& listeners);
    ~EventRegistrations();
    EventRegistrations(const EventRegistrations&) = delete;
    EventRegistrations& operator=(const EventRegistrations&) = delete;

private:
    explicit EventRegistrations(virConnectPtr connection) : connection_(connection) {}

    virConnectPtr connection_;
    std::vector<int> callbacks_;
};

}  // namespace varve::hypervisor
