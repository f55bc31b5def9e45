// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/hypervisor/libvirt_events.h"

#include "orchestrator/hypervisor/domain_identity.h"
#include "orchestrator/hypervisor/libvirt_errors.h"

#include <libvirt/virterror.h>

#include <optional>
#include <string_view>
#include <utility>

namespace varve::hypervisor {
namespace {

using base::Result;
using SharedListeners = std::shared_ptr<const Listeners>;

const Listeners& listeners_in(void* opaque) { return **static_cast<SharedListeners*>(opaque); }

void free_listeners(void* opaque) {
    delete static_cast<SharedListeners*>(opaque);
}  // NOLINT(cppcoreguidelines-owning-memory): libvirt owned it

StopReason stop_reason(int detail) {
    switch (detail) {
        case VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN: return StopReason::Shutdown;
        case VIR_DOMAIN_EVENT_STOPPED_DESTROYED: return StopReason::Destroyed;
        case VIR_DOMAIN_EVENT_STOPPED_CRASHED: return StopReason::Crashed;
        case VIR_DOMAIN_EVENT_STOPPED_FAILED: return StopReason::Failed;
        default: return StopReason::Other;
    }
}

std::optional<Event> life_cycle_event(virDomainPtr domain, int event, int detail) {
    const auto uuid = uuid_of(domain);
    if (!uuid) return {};
    switch (event) {
        case VIR_DOMAIN_EVENT_STARTED:
            if (detail == VIR_DOMAIN_EVENT_STARTED_WAKEUP) return DomainResumed{*uuid};
            return DomainStarted{*uuid, name_of(domain)};
        case VIR_DOMAIN_EVENT_PMSUSPENDED: return DomainPaused{*uuid, false};
        case VIR_DOMAIN_EVENT_SUSPENDED: return DomainPaused{*uuid, detail == VIR_DOMAIN_EVENT_SUSPENDED_IOERROR};
        case VIR_DOMAIN_EVENT_RESUMED: return DomainResumed{*uuid};
        case VIR_DOMAIN_EVENT_STOPPED: return DomainStopped{*uuid, name_of(domain), stop_reason(detail)};
        default: return {};
    }
}

int on_life_cycle(virConnectPtr /*connection*/, virDomainPtr domain, int event, int detail, void* opaque) {
    if (const auto told = life_cycle_event(domain, event, detail)) listeners_in(opaque).tell(*told);
    return 0;
}

void on_agent(virConnectPtr /*connection*/, virDomainPtr domain, int state, int /*reason*/, void* opaque) {
    const auto uuid = uuid_of(domain);
    if (uuid) listeners_in(opaque).tell(AgentChanged{*uuid, state == VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED});
}

void on_disk_error(virConnectPtr /*connection*/, virDomainPtr domain, const char* source, const char* device, int /*action*/,
                   const char* reason, void* opaque) {
    const auto uuid = uuid_of(domain);
    const auto text = [](const char* value) { return value == nullptr ? std::string() : std::string(value); };
    if (uuid) listeners_in(opaque).tell(DiskError{*uuid, text(source), text(device), text(reason) == "enospc"});
}

// -1 when the driver has no such event.
Result<int> register_one(virConnectPtr connection, int event, virConnectDomainEventGenericCallback callback,
                         const SharedListeners& listeners) {
    auto opaque = std::make_unique<SharedListeners>(listeners);
    const int id = ::virConnectDomainEventRegisterAny(connection, nullptr, event, callback, opaque.get(), &free_listeners);
    if (id >= 0) {
        (void)opaque.release();  // free_listeners has it
        return id;
    }
    const auto code = ::virGetLastErrorCode();
    if (code == VIR_ERR_NO_SUPPORT || code == VIR_ERR_OPERATION_UNSUPPORTED) return -1;
    return libvirt_failure("cannot ask libvirt for events");
}

}  // namespace

Result<std::unique_ptr<EventRegistrations>> EventRegistrations::make(virConnectPtr connection, const SharedListeners& listeners) {
    std::unique_ptr<EventRegistrations> made(new EventRegistrations(connection));
    const auto add = [&](int event, virConnectDomainEventGenericCallback callback) -> Result<bool> {
        const int id = TRY(register_one(connection, event, callback, listeners));
        if (id >= 0) made->callbacks_.push_back(id);
        return id >= 0;
    };
    if (!TRY(add(VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(&on_life_cycle))))
        return base::fail(base::Errc::Unsupported, "this hypervisor does not tell when domains start and stop");
    (void)TRY(add(VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(&on_agent)));       // only QEMU's guests have agents
    (void)TRY(add(VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON, VIR_DOMAIN_EVENT_CALLBACK(&on_disk_error)));  // only QEMU tells
    return made;
}

EventRegistrations::~EventRegistrations() {
    // Fails only when the connection is lost, and then nothing calls them.
    for (const int id : callbacks_) (void)::virConnectDomainEventDeregisterAny(connection_, id);
}

}  // namespace varve::hypervisor
