// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/hypervisor/libvirt_errors.h"

#include <libvirt/virterror.h>

namespace varve::hypervisor {
namespace {

using base::Errc;

Errc errc_of(int code) {
    switch (code) {
        case VIR_ERR_NO_DOMAIN:
        case VIR_ERR_NO_NETWORK:
        case VIR_ERR_DEVICE_MISSING: return Errc::NotFound;
        case VIR_ERR_DOM_EXIST: return Errc::Exists;
        case VIR_ERR_OPERATION_INVALID:
        case VIR_ERR_RESOURCE_BUSY: return Errc::Busy;
        case VIR_ERR_NO_SUPPORT:
        case VIR_ERR_CONFIG_UNSUPPORTED:
        case VIR_ERR_OPERATION_UNSUPPORTED:
        case VIR_ERR_ARGUMENT_UNSUPPORTED: return Errc::Unsupported;
        case VIR_ERR_INVALID_ARG:
        case VIR_ERR_NO_NAME:
        case VIR_ERR_NO_OS:
        case VIR_ERR_OS_TYPE:
        case VIR_ERR_NO_SOURCE:
        case VIR_ERR_NO_TARGET:
        case VIR_ERR_XML_ERROR:
        case VIR_ERR_XML_DETAIL:
        case VIR_ERR_XML_INVALID_SCHEMA: return Errc::InvalidArgument;
        case VIR_ERR_AUTH_FAILED:
        case VIR_ERR_AUTH_CANCELLED:
        case VIR_ERR_AUTH_UNAVAILABLE:
        case VIR_ERR_ACCESS_DENIED:
        case VIR_ERR_OPERATION_DENIED: return Errc::Denied;
        case VIR_ERR_OPERATION_TIMEOUT:
        case VIR_ERR_AGENT_UNRESPONSIVE:
        case VIR_ERR_AGENT_UNSYNCED: return Errc::TimedOut;
        default: return Errc::Io;
    }
}

}  // namespace

base::Failure libvirt_failure(const std::string& what) {
    const auto* error = ::virGetLastError();
    if (error == nullptr) return base::fail(Errc::Io, what + ": libvirt gives no reason");
    const std::string message = error->message == nullptr ? "libvirt gives no reason" : error->message;
    // Its message ends with strerror's text already.
    return base::fail(errc_of(error->code), what + ": " + message);
}

}  // namespace varve::hypervisor
