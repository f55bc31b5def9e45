// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "drivers/base/result.h"
#include "orchestrator/definitions/identifiers.h"

#include <libvirt/libvirt.h>

#include <string>

namespace varve::hypervisor {

// Corrupt for the UUID of all zeros, which no domain has.
[[nodiscard]] base::Result<definitions::Uuid> uuid_of(virDomainPtr domain);
// Like each call of libvirt it makes libvirt forget its last error: an error that names the domain needs the name before.
[[nodiscard]] std::string name_of(virDomainPtr domain);

}  // namespace varve::hypervisor
